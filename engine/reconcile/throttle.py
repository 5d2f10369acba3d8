"""A limit on how fast a collection is read, so that whoever else uses the server is not hurt."""

from __future__ import annotations

import time
from collections.abc import Callable

_LOOK_EVERY_S = 0.2


class Throttle:
    """Lets so many bytes a second pass, averaged over its life.

    Args:
        bytes_a_second: None: as many as come.
        look: called when something has passed, and again and again while it is waited; what it raises ends the wait.
    """

    def __init__(
        self,
        bytes_a_second: float | None,
        look: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_a_second
        self._look = look
        self._now = clock
        self._sleep = sleep
        self._due = clock()

    def passed(self, size_bytes: int) -> None:
        """Wait for as long as what has just been read may take."""
        self._look()
        if not self._rate:
            return
        self._due = max(self._due, self._now() - 1.0) + size_bytes / self._rate
        while (wait_s := self._due - self._now()) > 0:
            self._sleep(min(wait_s, _LOOK_EVERY_S))
            self._look()
