"""Named moments at which the fault tests kill the process, as a power cut would."""

from __future__ import annotations

import os
import signal

VARIABLE = "OPLAKE_CRASH_AT"
DEATH = signal.SIGKILL
_reached: dict[str, int] = {}


def reach(name: str) -> None:
    """Kill this process with SIGKILL when ``OPLAKE_CRASH_AT`` is ``name`` or, at the nth time, ``name:n``."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    wanted_name, _, nth = wanted.partition(":")
    if wanted_name != name:
        return
    _reached[name] = _reached.get(name, 0) + 1
    if _reached[name] == int(nth or 1):
        os.kill(os.getpid(), DEATH)
