"""What a shell may do to a command: streams closed, full, in another encoding; Ctrl-C in the middle of a query."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import START, oplake

pytestmark = pytest.mark.slow
LONG = "select count(*) from range(100000000) a, range(100000) b"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("with space")
    assert oplake("init", folder=folder).returncode == 0
    return folder


def shell(project: Path, command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell line in which $OPLAKE is the command."""
    words = f"'{sys.executable}' -c '{START}'"
    line = command.replace("$OPLAKE", words)
    env = {**os.environ, **environment}
    return subprocess.run(["bash", "-c", line], cwd=project, env=env, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("command", ["validate", "query 'select 1'", "--help"])
def test_a_closed_output_is_no_crash(project: Path, command: str) -> None:
    done = shell(project, f"$OPLAKE {command} >&-")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("command", ["query 'select 1'", "query 'select 1' --format csv", "schema --check"])
def test_a_full_disk_is_one_message(project: Path, command: str) -> None:
    done = shell(project, f"$OPLAKE {command} > /dev/full")
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_terminal_that_knows_few_characters_sees_escapes_and_data_stays_utf_8(project: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    table = shell(project, "$OPLAKE query \"select 'ü→' x\"", **plain)
    assert b"\\xfc\\u2192" in table.stdout
    data = shell(project, "$OPLAKE query \"select 'ü→' x\" --format csv", **plain)
    assert data.stdout.decode().split() == ["x", "ü→"]


def test_an_interrupt_stops_a_query_at_once(project: Path) -> None:
    """DuckDB's threads go on after Ctrl-C, for ever if the statement takes that long, unless they are told."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, "query", LONG, "--timeout", "1h"], cwd=project, stderr=subprocess.PIPE
    )
    temp = project / ".oplake" / "tmp"
    while not (temp.exists() and any(temp.iterdir())):
        assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)  # it is at work
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    assert list(temp.iterdir()) == []
