"""A store of four real MinIO hosts, as docs/operations.md has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.built_servers import needs
from tests.deploy.balanced_store import needs_nginx
from tests.deploy.prometheus import ROOT
from tests.deploy.store_nodes import FOLDER, SERVER, SETTINGS, in_a_network, needs_a_network

STORY = "tests/deploy/killed_nodes.py"


@needs("minio")
@needs_nginx
@needs_a_network()
@pytest.mark.server
@pytest.mark.fault
def test_nodes_die_behind_the_load_balancer_and_no_commit_is_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "0", STORY]
    command += ["--basetemp", str(tmp_path / "story")]
    done = subprocess.run(
        in_a_network(tmp_path, command),
        cwd=ROOT,
        env={**os.environ, FOLDER: str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_hosts_are_started_as_the_page_says() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert f"export {SETTINGS}\n" in page
    assert f"\n{SERVER} " in page
