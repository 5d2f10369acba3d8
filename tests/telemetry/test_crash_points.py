"""A named crash point kills the process that reaches it, when asked to and only then."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from engine.telemetry.crash_points import VARIABLE

REACH_THREE_TIMES = """
from engine.telemetry.crash_points import reach
for number in range(3):
    print(number, flush=True)
    reach("here")
"""


@pytest.mark.parametrize(
    ("wanted", "printed"),
    [(None, 3), ("elsewhere", 3), ("here", 1), ("here:1", 1), ("here:3", 3), ("here:4", 3), ("her", 3)],
)
def test_the_nth_time_at_the_named_point_is_the_last(wanted: str | None, printed: int) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", REACH_THREE_TIMES],
        env={} if wanted is None else {VARIABLE: wanted},
        capture_output=True,
        text=True,
        check=False,
    )

    dies = wanted in {"here", "here:1", "here:3"}
    assert finished.returncode == (-signal.SIGKILL if dies else 0)
    assert len(finished.stdout.splitlines()) == printed
