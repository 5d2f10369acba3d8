"""How often one key, and one address, may ask."""

from __future__ import annotations

import time

from limits import RateLimitItem, parse
from slowapi import Limiter
from slowapi.util import get_remote_address

from engine.api.problems import TooManyRequests
from engine.api.settings import Settings
from engine.errors import UsageError


class Throttle:
    """Counts requests in windows of a fixed length, in this process or in the store that the settings name.

    A window begins with its first request: around its end, up to twice as many may pass in such a time.
    """

    def __init__(self, settings: Settings) -> None:
        limiter = Limiter(get_remote_address, storage_uri=settings.limits_storage, strategy="fixed-window")
        self._strategy = limiter.limiter
        self._per_actor = _limit(settings.per_key, "per_key")
        self._per_address = _limit(settings.per_address, "per_address")
        self._failures = _limit(settings.failures_per_address, "failures_per_address")

    def count_address(self, address: str) -> None:
        """One more request from here.

        Raises:
            TooManyRequests: that is too many.
        """
        self._count(self._per_address, "address", address)

    def count_actor(self, actor: str) -> None:
        """One more request of this key or person; raises as ``count_address`` does."""
        self._count(self._per_actor, "actor", actor)

    def check_failures(self, address: str) -> None:
        """Whoever tries keys is not listened to for a while; raises as ``count_address`` does."""
        if not self._strategy.test(self._failures, "failures", address):
            raise self._refusal(self._failures, "failures", address)

    def count_failure(self, address: str) -> None:
        """A wrong key came from here."""
        self._strategy.hit(self._failures, "failures", address)

    def _count(self, limit: RateLimitItem, *names: str) -> None:
        if not self._strategy.hit(limit, *names):
            raise self._refusal(limit, *names)

    def _refusal(self, limit: RateLimitItem, *names: str) -> TooManyRequests:
        reset = self._strategy.get_window_stats(limit, *names).reset_time
        wait_s = max(1, round(reset - time.time()))
        return TooManyRequests(
            f"more than {limit} from this {names[0]}",
            remedy=f"try again in {wait_s} s",
            headers={"Retry-After": str(wait_s)},
        )


def _limit(text: str, name: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError:
        raise UsageError(f"{text!r} is no rate", where=name, remedy="write 100/minute or 5/second") from None
