from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "tests.demo")

pytestmark = pytest.mark.server


def test_the_demonstration_keeps_its_promises_without_a_terminal_and_leaves_nothing_behind(tmp_path: Path) -> None:
    finished = subprocess.run(
        DEMO,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count("[checked]") == 6
    assert "nothing is left running" in finished.stdout
    assert list(tmp_path.iterdir()) == []
    assert _processes_that_mention(tmp_path) == []


def test_a_demonstration_that_is_told_to_stop_takes_its_server_with_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        DEMO,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "The server listens" in line:
                break
        assert _processes_that_mention(tmp_path) != []
        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()

    until = time.monotonic() + 10
    while _processes_that_mention(tmp_path) and time.monotonic() < until:
        time.sleep(0.1)
    assert _processes_that_mention(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def _processes_that_mention(folder: Path) -> list[str]:
    """Command lines of processes that work in the folder."""
    found = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [" ".join(words) for words in found if any(str(folder) in word for word in words)]
