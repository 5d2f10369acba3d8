"""How often one key, and one address, may ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import to_thread
from limits import RateLimitItem, parse
from limits.errors import ConfigurationError
from limits.strategies import RateLimiter
from slowapi import Limiter
from slowapi.util import get_remote_address

from engine.api.problems import TooManyRequests
from engine.api.settings import Settings
from engine.errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")


class Throttle:
    """Counts requests in windows of a fixed length, in this process or in the store that the settings name.

    A window begins with its first request: around its end, up to twice as many may pass in such a time.
    """

    def __init__(self, settings: Settings) -> None:
        self._strategy = _strategy(settings.limits_storage)
        self._is_near = settings.limits_storage.startswith("memory://")
        self._per_actor = _limit(settings.per_key, "per_key")
        self._per_address = _limit(settings.per_address, "per_address")
        self._failures = _limit(settings.failures_per_address, "failures_per_address")

    async def count_address(self, address: str) -> None:
        """One more request from here.

        Raises:
            TooManyRequests: that is too many.
        """
        await self._count(self._per_address, "address", address)

    async def count_actor(self, actor: str) -> None:
        """One more request of this key or person; raises as ``count_address`` does."""
        await self._count(self._per_actor, "actor", actor)

    async def check_failures(self, address: str) -> None:
        """Whoever tries keys is not listened to for a while; raises as ``count_address`` does."""
        if not await self._ask(self._strategy.test, self._failures, "failures", address):
            raise await self._refusal(self._failures, "failures", address)

    async def count_failure(self, address: str) -> None:
        """A wrong key came from here."""
        await self._ask(self._strategy.hit, self._failures, "failures", address)

    async def _count(self, limit: RateLimitItem, *names: str) -> None:
        if not await self._ask(self._strategy.hit, limit, *names):
            raise await self._refusal(limit, *names)

    async def _ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """In a thread where the answer comes over the network."""
        if self._is_near:
            return question(*args, **kwargs)
        return await to_thread.run_sync(lambda: question(*args, **kwargs))

    async def _refusal(self, limit: RateLimitItem, *names: str) -> TooManyRequests:
        reset = (await self._ask(self._strategy.get_window_stats, limit, *names)).reset_time
        wait_s = max(1, round(reset - time.time()))
        return TooManyRequests(
            f"more than {limit} from this {names[0]}",
            remedy=f"try again in {wait_s} s",
            headers={"Retry-After": str(wait_s)},
        )


def _strategy(storage: str) -> RateLimiter:
    try:
        return Limiter(get_remote_address, storage_uri=storage, strategy="fixed-window").limiter
    except ConfigurationError as error:
        raise UsageError(
            f"requests cannot be counted at {storage.partition(':')[0]}:// ({type(error).__name__})",
            where="OPLAKE_API_LIMITS_STORAGE",
            remedy="write memory:// or mongodb://..., or install the library of that store: pip install redis",
        ) from None


def _limit(text: str, name: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError:
        raise UsageError(f"{text!r} is no rate", where=name, remedy="write 100/minute or 5/second") from None
