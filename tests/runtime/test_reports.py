"""What a worker logs: enough for whoever reads later, and nothing again and again."""

from __future__ import annotations

import io
import json

from engine.lake.fold_steps import FoldResult
from engine.runtime.reports import Report


def fold_of(rows: int) -> FoldResult:
    return FoldResult(1, 2, rows, inserted=rows, updated=0, deleted=0, seconds=0.1, size_bytes=100)


def test_a_fold_is_told_when_it_is_the_first_or_found_rows(logged: io.StringIO) -> None:
    report = Report("orders", "shop")
    for rows in (0, 0, 7, 0, 0):
        report.folded(fold_of(rows))
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [(line["event"], line["rows"]) for line in lines] == [("table folded", 0), ("table folded", 7)]
    assert (report.counters.folds, report.counters.folded_rows) == (5, 7)
