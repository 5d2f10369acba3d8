"""Waits for what real servers and processes do in their own time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""Only what hangs takes longer."""


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask again and again; fails when it never holds."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
