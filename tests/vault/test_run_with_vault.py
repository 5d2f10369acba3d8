"""`oplake run` with its connection string in a real Vault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.witness import server_time
from tests.vault.vault_server import VaultServer

pytestmark = [pytest.mark.server, pytest.mark.vault]

BLOCK = """\
vault:
  address: {address}
  auth: {{token: "${{env:VAULT_TOKEN}}"}}
"""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as one:
        yield one


def in_vault(project: Project, vault: VaultServer) -> None:
    """Write the project, with a `vault` block in its target."""
    project.write()
    target = project.folder / "specs/targets/local.yaml"
    target.write_text(target.read_text() + BLOCK.format(address=vault.address))


def test_a_run_reads_with_the_connection_string_that_vault_keeps(
    vault: VaultServer, tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, name: str
) -> None:
    vault.write(name, uri=mongo)
    database["things"].insert_one({"_id": "one"})
    project = Project(tmp_path, f"${{vault:secret/{name}#uri}}", f"{database.name}.things")
    in_vault(project, vault)
    token = {"VAULT_TOKEN": vault.root_token}
    since = server_time(database.client)

    applied = project.start("apply", "--yes", nursery=nursery, environment=token)
    assert applied.wait() == 0, applied.text
    running = project.start("run", "--until-caught-up", nursery=nursery, environment=token)
    assert running.wait() == 0, running.text
    database["things"].insert_one({"_id": "last"})
    running = project.start("run", "--until-caught-up", nursery=nursery, environment=token)
    assert running.wait() == 0, running.text

    assert project.problems(database["things"], since, "last") == []
    assert vault.root_token not in applied.text + running.text
    assert mongo not in applied.text + running.text
    again = project.start("plan", nursery=nursery, environment=token)
    assert again.wait() == 0, again.text


def test_a_vault_that_is_sealed_at_the_start_is_an_error_that_says_what_to_do(
    vault: VaultServer, tmp_path: Path, nursery: Nursery, name: str
) -> None:
    project = Project(tmp_path, f"${{vault:secret/{name}#uri}}", "any.things")
    in_vault(project, vault)
    vault.seal()
    try:
        running = project.start("run", nursery=nursery, environment={"VAULT_TOKEN": vault.root_token})
        assert running.wait() == 1
    finally:
        vault.unseal()

    assert "secrets-unreachable" in running.text
    assert "sealed" in running.text
    assert "unsealed and can be reached" in running.text
    assert vault.root_token not in running.text
