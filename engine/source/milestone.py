"""How an idle position advances on a server whose resume tokens tell no time.

SecantusDB numbers the entries of its oplog, and later times have greater numbers. A milestone is a time with a number
that the changes before it do not exceed. Once a stream has read all changes up to that number, every change still to
come is at the time or after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.source.tail import Tail

SET_EVERY_S = 300.0
"""Setting one may make the server search its oplog, so it is rare; the oplog has to reach back far longer."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """A packed cluster time, and a mark that no change before it exceeds."""

    time: int
    mark: int


class Milestones:
    """Sets one milestone after the other while a stream is idle, and tells when it is passed."""

    def __init__(self, now: Callable[[], int]) -> None:
        """``now`` asks the server for its newest cluster time, packed."""
        self._now = now
        self._next: Milestone | None = None
        self._set_at = time.monotonic()

    def passed(self, tail: Tail) -> int | None:
        """The packed time of the newest milestone, once, when the stream has passed it."""
        if tail.mark is None:
            return None
        if self._next is None:
            self._next = self._set(tail)
        if self._next is None or tail.mark < self._next.mark:
            return None
        passed, self._next = self._next, None
        return passed.time

    def _set(self, tail: Tail) -> Milestone | None:
        if time.monotonic() - self._set_at < SET_EVERY_S:
            return None
        self._set_at = time.monotonic()
        now = self._now()
        mark = tail.mark_at(now)
        return None if mark is None else Milestone(now, mark)
