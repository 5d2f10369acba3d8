"""Whether a worker lives, and whether it is ready: judged from its counters alone.

Nothing is asked and no lock is taken, so a probe is answered while a fold or a commit is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.telemetry.counters import Phase, TableCounters

STALLED_AFTER_S = 600.0
"""A loop that began nothing new for so long hangs: each of its waits has a bound, and all are shorter."""
LONG_WORK_S = 6 * 3600.0
"""Folds and the upkeep of files are one step each, however much there is to do."""
LONG_WORK: frozenset[Phase] = frozenset({"folding", "tidying"})
OVER: frozenset[Phase] = frozenset({"done", "failed"})
_UNREADY: Mapping[Phase, str] = MappingProxyType(
    {
        "starting": "its log and source are not open yet",
        "joining": "the consumer group has not shared out its partitions yet",
        "waiting": "waits before it tries again",
        "failed": "has stopped with an error",
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Good when there is nothing against it. The reasons name tables and codes of errors, nothing else."""

    reasons: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def live(tables: Iterable[TableCounters], now: float) -> Verdict:
    """Whether every loop that is not over has moved recently; a table that has failed does not end the others.

    Args:
        now: monotonic seconds of this machine.
    """
    return Verdict(tuple(reason for one in tables if (reason := _stalled(one, now))))


def ready(tables: Iterable[TableCounters]) -> Verdict:
    """Whether every table is open, with its partitions, and at work or done."""
    return Verdict(tuple(reason for one in tables if (reason := _unready(one))))


def _stalled(one: TableCounters, now: float) -> str | None:
    if one.stepped_at is None or one.phase in OVER:
        return None
    idle_s = now - one.stepped_at
    limit_s = LONG_WORK_S if one.phase in LONG_WORK else STALLED_AFTER_S
    return f"table {one.table}: {one.phase} for {idle_s:.0f} s without a step" if idle_s > limit_s else None


def _unready(one: TableCounters) -> str | None:
    if one.phase not in _UNREADY:
        return None
    because = f" ({one.reason})" if one.reason else ""
    return f"table {one.table}: {_UNREADY[one.phase]}{because}"
