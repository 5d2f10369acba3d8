"""When a run committed how many rows, as the tables themselves tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from deltalake import DeltaTable

from engine.lake.delta_log import DeltaLog
from engine.lake.layout import TablePaths


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit with rows."""

    time_s: float
    rows: int


def steady_rate(paths: TablePaths, options: Mapping[str, str], after: int) -> float | None:
    """Rows a second from the first commit to the log after a version, to the last one of the log or the current table.

    The rows of the first commit are not counted, nor what came before it: the start of the processes. None when
    there are too few commits to tell.
    """
    appended = _commits(paths.changes, options, after)
    folded = _commits(paths.current, options, -1) if DeltaTable.is_deltatable(paths.current, dict(options)) else []
    if len(appended) < 2:
        return None
    last = max(commit.time_s for commit in [*appended, *folded])
    return sum(commit.rows for commit in appended[1:]) / (last - appended[0].time_s)


def _commits(uri: str, options: Mapping[str, str], after: int) -> list[Commit]:
    """Commits with rows, oldest first."""
    table = DeltaTable(uri, storage_options=dict(options))
    log = DeltaLog(table)
    found = []
    for version in range(after + 1, table.version() + 1):
        actions = log.actions(version, "add", "commitInfo")
        rows = sum(json.loads(action["add"]["stats"])["numRecords"] for action in actions if "add" in action)
        times = [action["commitInfo"]["timestamp"] for action in actions if "commitInfo" in action]
        if rows and times:
            found.append(Commit(times[0] / 1000, rows))
    return found
