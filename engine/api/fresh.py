"""A value that is dear to make: made once however many ask for it, and again in the background when it is old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_SHARE = 5.0
"""A value may be this many times as old as it took to make: a large lake is not looked at without a pause."""
_STALE = 5.0
"""So many times older than it should be, a value is of use to nobody."""


class Fresh(Generic[T]):
    """Made in the background. Readers get the last value while the next is made; they wait when there is none, or only
    one from long ago.
    """

    def __init__(self, make: Callable[[], Awaitable[T]], max_age_s: float) -> None:
        self._make = make
        self._max_age_s = max_age_s
        self._values: list[T] = []
        """The last one; empty before the first: it may be anything, None too."""
        self._error: Exception | None = None
        self._made_at = 0.0
        self._took_s = 0.0
        self._making: asyncio.Task[None] | None = None

    async def get(self) -> T:
        """The value of now or of a moment ago; raises what making it raised."""
        age_s, limit_s = time.monotonic() - self._made_at, max(self._max_age_s, _SHARE * self._took_s)
        is_old = age_s > limit_s
        if is_old and self._making is None:
            self._making = asyncio.create_task(self._renew())
        must_wait = not self._values or self._error is not None or age_s > _STALE * limit_s
        if self._making is not None and must_wait:
            await asyncio.shield(self._making)
        if self._error is not None:
            raise self._error
        return self._values[0]

    def forget(self) -> None:
        """What is known is out of date: somebody has changed the world."""
        self._made_at = 0.0

    async def _renew(self) -> None:
        started = time.monotonic()
        try:
            self._values, self._error = [await self._make()], None
        except Exception as error:  # noqa: BLE001  raised to whoever asks
            self._error = error
        finally:
            self._made_at = time.monotonic()
            self._took_s = self._made_at - started
            self._making = None
