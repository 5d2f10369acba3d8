"""A limit on how fast a collection is read, so that whoever else uses the server is not hurt."""

from __future__ import annotations

import time
from collections.abc import Callable


class Throttle:
    """Lets so many bytes a second pass, averaged over its life."""

    def __init__(
        self,
        bytes_a_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_a_second
        self._now = clock
        self._sleep = sleep
        self._due = clock()

    def passed(self, size_bytes: int) -> None:
        """Wait for as long as what has just been read may take."""
        if not self._rate:
            return
        self._due = max(self._due, self._now() - 1.0) + size_bytes / self._rate
        wait_s = self._due - self._now()
        if wait_s > 0:
            self._sleep(wait_s)
