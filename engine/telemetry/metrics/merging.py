"""Several processes' counters of the same tables, as one."""

from __future__ import annotations

from collections.abc import Iterable

from engine.telemetry.counters import TableCounters

TOTALS = (
    "rows",
    "bytes",
    "commits",
    "absorbed",
    "rescued",
    "dead_letters",
    "folds",
    "folded_rows",
    "retries",
    "store_errors",
    "connector_restarts",
)
DURATIONS = ("batch_s", "commit_s", "fold_s")
GREATEST = ("committed_at", "lag_s", "log_version", "folded_version", "log_bytes", "folded_bytes", "connector_failed")
LEAST = ("oplog_window_s", "lease_ends_at")


def merged(living: Iterable[TableCounters], ended: Iterable[TableCounters] = ()) -> list[TableCounters]:
    """One for each table: totals of all processes, figures of those that live.

    Args:
        ended: the last words of processes that are gone. Their totals stay: a counter that went down would look like
            a restart of everything.
    """
    tables: dict[tuple[str, str], TableCounters] = {}
    for is_living, some in ((False, ended), (True, living)):
        for one in some:
            into = tables.setdefault((one.pipeline, one.table), TableCounters(one.table, one.pipeline))
            _add_totals(into, one)
            if is_living:
                _add_figures(into, one)
    return list(tables.values())


def _add_totals(into: TableCounters, one: TableCounters) -> None:
    for name in TOTALS:
        setattr(into, name, getattr(into, name) + getattr(one, name))
    for name in DURATIONS:
        getattr(into, name).add(getattr(one, name))


def _add_figures(into: TableCounters, one: TableCounters) -> None:
    """The newest version, the worst lag, and one failure among several is a failure."""
    for names, choose in ((GREATEST, max), (LEAST, min)):
        for name in names:
            known = [value for value in (getattr(into, name), getattr(one, name)) if value is not None]
            setattr(into, name, choose(known, default=None))
    into.lag_events.update(one.lag_events)
    if into.phase != "failed":
        into.phase, into.reason = one.phase, one.reason
