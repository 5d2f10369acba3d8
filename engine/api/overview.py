"""Every pipeline at a glance: what its tables, its dead letters and its run add up to."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from engine.errors import LakeError
from engine.lake.dead_letters import DeadLetters
from engine.lake.layout import dead_letters_uri
from engine.planner.scope import Scope
from engine.planner.status import Report, TableReport
from engine.resources.table_status import position_age_s
from engine.spec.pipeline import Pipeline
from engine.state.wanted_runs import WantedRun

_WINDOW_S = 30.0
_WORST_FIRST = ("unreadable", "half-applied", "drift", "pending", "ok")


class Rates:
    """Rows a second by table, from how the logs have grown between two looks."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[float, int]]] = {}

    def rate(self, table: str, rows: int | None, now: float) -> float | None:
        """The rate over the last half minute; None at the first look."""
        if rows is None:
            return None
        seen = [one for one in self._seen.get(table, []) if now - one[0] <= _WINDOW_S]
        seen.append((now, rows))
        self._seen[table] = seen
        (first, before), *rest = seen
        return round(max(0, rows - before) / (now - first), 1) if rest else None


def overview(scope: Scope, report: Report, wanted: Mapping[str, WantedRun], rates: Rates) -> dict[str, Any]:
    """One entry a pipeline, by name, and what is true of all."""
    now = time.time()
    pipelines = [
        _pipeline(one, [table for table in report.tables if table.pipeline == one.pipeline], wanted, rates, now)
        | {"dead_letters": _dead_letters(scope, one)}
        for one in scope.pipelines
    ]
    return {
        "target": report.target,
        "lake": report.lake,
        "source": report.source,
        "unfinished": report.unfinished,
        "seen_at": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "pipelines": pipelines,
    }


def _pipeline(
    spec: Pipeline, tables: Sequence[TableReport], wanted: Mapping[str, WantedRun], rates: Rates, now: float
) -> dict[str, Any]:
    logs = [one.status for one in tables if one.table.endswith("/changes")]
    folded = [one.status for one in tables if not one.table.endswith("/changes")]
    speeds = [rates.rate(one.uri, one.rows, now) for one in logs]
    ages = [position_age_s(one.position, now) for one in logs]
    run = wanted.get(spec.pipeline)
    return {
        "name": spec.pipeline,
        "collections": list(spec.source.collections),
        "mode": spec.table.mode,
        "state": _worst(tables),
        "wish": run.wish if run else "none",
        "run": run.state if run else "unknown",
        "run_detail": run.detail if run else "",
        "tables": len(tables),
        "rows": _total(one.rows for one in (folded or logs)),
        "size_bytes": _total(one.size_bytes for one in (*logs, *folded)),
        "unfolded_rows": _total(one.unfolded_rows for one in folded),
        "rescued_rows": _total(one.rescued_rows for one in folded),
        "events_per_s": _total(speeds),
        "behind_s": round(max(known), 1) if (known := [age for age in ages if age is not None]) else None,
        "last_commit": max((one.last_commit for one in logs if one.last_commit), default=None),
        "last_fold": max((one.last_commit for one in folded if one.last_commit), default=None),
        "problem": next((one.status.problem for one in tables if one.status.problem), None),
    }


def _worst(tables: Sequence[TableReport]) -> str:
    states = {one.state.partition(" ")[0] for one in tables}
    return next((state for state in _WORST_FIRST if state in states), "pending")


def _total(numbers: Iterable[float | None]) -> Any:  # noqa: ANN401  int or float as they come
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _dead_letters(scope: Scope, spec: Pipeline) -> int | None:
    """How many wait; None when they cannot be read."""
    letters = DeadLetters(dead_letters_uri(scope.lake, spec.pipeline), scope.target.lake.storage_options())
    try:
        return int(letters.read(waiting=True, with_content=False).num_rows)
    except LakeError:
        return None
