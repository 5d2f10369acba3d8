"""Users of MongoDB that Vault leases for seconds, under a run that must not lose or double a change."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from engine.secrets.template import Template
from engine.secrets.vault_access import TokenLogin, VaultAccess
from engine.secrets.vault_path import SecretPath
from engine.secrets.vault_session import Notice, VaultSession
from tests.faults.checker import Rows
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.running import Running
from tests.faults.witness import server_time
from tests.faults.workload import Writer
from tests.vault.guarded_mongo import ADMIN, GuardedMongo, lease_users
from tests.vault.test_run_with_vault import in_vault
from tests.vault.vault_server import VaultServer

pytestmark = [pytest.mark.server, pytest.mark.vault]
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedMongo]:
    with GuardedMongo(tmp_path_factory.mktemp("guarded")) as server:
        server.guard()
        yield server


@pytest.fixture(scope="module")
def admin(guarded: GuardedMongo) -> Iterator[MongoClient[Any]]:
    with MongoClient[Any](guarded.uri) as client:
        yield client


def users(admin: MongoClient[Any]) -> set[str]:
    """Everybody but the administrator."""
    return {one["user"] for one in admin.admin.command("usersInfo")["users"]} - {ADMIN}


def wait_until(holds: Callable[[], bool], running: Running) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, running.text[-6000:]
        time.sleep(0.05)


def count(running: Running, event: str) -> int:
    return sum(one["event"] == event for one in running.events)


def writes_until_changed(writer: Writer, running: Running) -> bool:
    """Write some more; whether the run has taken two other users meanwhile."""
    writer.write(20)
    time.sleep(0.1)
    return count(running, "credentials changed") >= 2


def test_nothing_is_lost_or_doubled_while_users_change_and_vault_is_sealed(
    vault: VaultServer, guarded: GuardedMongo, admin: MongoClient[Any], tmp_path: Path, name: str
) -> None:
    secret = lease_users(vault, guarded, name, "2s", "4s")
    things = admin[name]["things"]
    since = server_time(admin)
    writer = Writer(things, seed=7, rate=1)
    writer.write(100)
    project = Project(tmp_path, guarded.reached_through(secret), things.full_name)
    in_vault(project, vault)
    token = {"VAULT_TOKEN": vault.root_token}
    with Nursery() as nursery:
        applied = project.start("apply", "--yes", nursery=nursery, environment=token)
        assert applied.wait() == 0, applied.text
        assert users(admin) == set()  # what was leased for the command was given back
        running = project.start("run", nursery=nursery, environment=token)
        wait_until(lambda: writes_until_changed(writer, running), running)
        vault.seal()
        try:
            wait_until(lambda: "secrets-unreachable" in running.text and count(running, "table reopens") > 0, running)
            writer.write(100)
        finally:
            vault.unseal()
        changed = count(running, "credentials changed")
        things.insert_one({"_id": "last"})
        wait_until(lambda: any(row["_id"] == "last" for row in Rows.read(project.paths.current).rows), running)
        running.send(signal.SIGTERM)
        assert running.wait() == 0, running.text

    assert changed >= 2
    assert project.problems(things, since, "last") == []
    assert count(running, "table failed") == 0
    assert users(admin) == set()
    assert vault.root_token not in running.text


def test_a_lease_that_somebody_revoked_is_replaced(
    vault: VaultServer, guarded: GuardedMongo, admin: MongoClient[Any], name: str
) -> None:
    secret = SecretPath(lease_users(vault, guarded, name, "2s", "60s"))
    notices: list[Notice] = []
    login = TokenLogin(Template(vault.root_token))
    session = VaultSession(VaultAccess(Template(vault.address), None, None, login, 5.0, 300.0), notices.append)
    first = dict(session.read(secret))
    vault.root.sys.revoke_prefix(secret.path)

    until = time.monotonic() + PATIENCE_S
    while not session.changes:
        assert time.monotonic() < until
        session.tend()
        time.sleep(0.05)

    second = session.read(secret)
    assert first["username"] not in users(admin)
    with MongoClient[Any](guarded.uri, username=second["username"], password=second["password"]) as client:
        client[name]["things"].find_one()
        with pytest.raises(OperationFailure):
            client[name]["things"].insert_one({})
    session.close()
    assert second["username"] not in users(admin)
