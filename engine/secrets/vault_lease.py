"""How long what a Vault gave is good for, and when something has to be done about it. Times are monotonic seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import SystemRandom

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
SHORTENED = 2 / 3
"""A renewal that grants less than this part of the first duration has met the maximum TTL."""
_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True)
class Lease:
    """A token, dynamic credentials or a static secret, as held since ``since``."""

    data: Mapping[str, str] = field(repr=False)
    id: str = field(repr=False)
    """Empty for static secrets."""
    duration_s: float
    """Of the first grant; infinite for what never ends, and for static secrets when to read them anew."""
    renewable: bool
    since: float
    ends: float
    """It is good until then; infinite for static secrets."""
    due: float
    """When to renew it, or to read it anew."""
    failures: int = 0

    @property
    def is_dynamic(self) -> bool:
        """Whether it ends unless it is renewed."""
        return bool(self.id)


def granted(data: Mapping[str, str], lease_id: str, duration_s: float, *, renewable: bool, now: float) -> Lease:
    """What was given just now, to be renewed at about half its time."""
    endless = duration_s <= 0
    duration = math.inf if endless else duration_s
    return Lease(data, lease_id, duration, renewable, now, now + duration, now + _half(duration))


def static(data: Mapping[str, str], keep_s: float, now: float) -> Lease:
    """A secret without a lease: it stays good, and is read anew now and then."""
    return Lease(data, "", keep_s, renewable=False, since=now, ends=math.inf, due=now + _jittered(keep_s))


def renewed(lease: Lease, duration_s: float, now: float) -> Lease | None:
    """The lease after a renewal; None when its maximum TTL nears, so that another has to take its place."""
    if duration_s < lease.duration_s * SHORTENED:
        return None
    return replace(lease, since=now, ends=now + duration_s, due=now + _half(duration_s), failures=0)


def put_off(lease: Lease, now: float) -> Lease:
    """The lease after an attempt that failed: the next comes after a wait that doubles."""
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(lease.failures, 20))
    return replace(lease, due=now + _RANDOM.uniform(longest / 2, longest), failures=lease.failures + 1)


def to_replace(lease: Lease, now: float) -> Lease:
    """The lease as one that is to be replaced at once, and not renewed."""
    return replace(lease, renewable=False, due=now, failures=0)


def _half(duration_s: float) -> float:
    return _jittered(duration_s / 2)


def _jittered(seconds: float) -> float:
    """A tenth less at most, so that many workers do not ask all at once."""
    return seconds if math.isinf(seconds) else seconds * _RANDOM.uniform(0.9, 1.0)
