"""Puts right what is confirmed to be wrong, through the change log: a corrective event for each document.

A table is never edited in place. The event is decoded and appended as every other change is, in a commit that is marked
with the run's id, and the next fold brings it into the table. What a newer change says wins over it, always: see
``engine/source/repair_order.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.decode.exact_bson import write_exactly
from engine.decode.identity import identity_value
from engine.lake.change_log import ChangeLog
from engine.reconcile.job import Comparison
from engine.reconcile.result import Result
from engine.reconcile.verdict import Finding, Verdict
from engine.runtime.appending import Appender
from engine.runtime.reports import Report
from engine.source.batch import Batch, Operation
from engine.source.cluster_time import unix_seconds
from engine.source.repair_order import RepairOrders
from engine.telemetry.crash_points import reach

REPAIRS = "repairs"
"""A position of its own: how many corrective commits a log has. Two repairs at once fence each other."""
RUN_PREFIX = "repair."
"""With a run's id: the position that marks its commits, and counts the documents that they corrected."""
_AT_ONCE = 1000
_US = 1_000_000
_OPERATIONS: Mapping[Verdict, Operation] = {Verdict.MISSING: "u", Verdict.MISMATCH: "u", Verdict.EXTRA: "d"}
"""An update also inserts; an insert would be trusted to be its document's first row."""

CHANGED = "it was changed or deleted meanwhile: the change itself puts it right"
LATER = "its row claims to be newer than anything the collection has reached: build the table anew"
SEVERAL = "an event cannot tell several rows apart: build the table anew"


@dataclass(frozen=True, slots=True)
class Correction:
    """What is to be done about one document."""

    identity: str
    operation: Operation
    """``u``: the document as the collection has it takes the row's place; ``d``: the row goes."""
    position: str | None
    """Of the row that is wrong."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What became of the corrections."""

    appended: int
    """Events that are in the change log now."""
    left: Mapping[str, str]
    """``_id`` -> why nothing was appended for it."""


def corrections(findings: Sequence[Finding]) -> list[Correction]:
    """The corrections of what is confirmed, as far as events can put it right."""
    return [
        Correction(one.identity, _OPERATIONS[one.verdict], one.position)
        for one in findings
        if one.verdict in _OPERATIONS
    ]


def repair(comparison: Comparison, result: Result) -> Repaired:
    """Append a corrective event for each confirmed finding; safe to repeat, and while workers run.

    Raises:
        CommitConflict: another repair was in the way; reconcile again, then repair what is left.
        TypeConflict: a value does not fit its column and the spec says ``on_conflict: fail``.
        OplakeError: the collection or the log cannot be read or written.
    """
    left = {one.identity: SEVERAL for one in result.findings if one.verdict is Verdict.DUPLICATE}
    orders, wanted, appended = RepairOrders(), corrections(result.findings), 0
    for start in range(0, len(wanted), _AT_ONCE):
        batch, not_now = _events(comparison, wanted[start : start + _AT_ONCE], orders)
        left |= not_now
        if len(batch):
            appended += len(batch)
            _append(comparison, result.run, batch, appended)
    return Repaired(appended, left)


def _events(comparison: Comparison, wanted: Sequence[Correction], orders: RepairOrders) -> tuple[Batch, dict[str, str]]:
    """Events for documents that are read once more, and why there is none for the others."""
    read_at = comparison.documents.now()
    reach("reconcile.repair.before_read")
    found = dict(comparison.documents.read([one.identity for one in wanted], read_at))
    reach("reconcile.repair.after_read")
    kept: list[tuple[Correction, str]] = []
    left: dict[str, str] = {}
    for one in wanted:
        order = orders.order(read_at)
        if (one.operation == "u") != (one.identity in found):
            left[one.identity] = CHANGED
        elif one.position is not None and one.position >= order:
            left[one.identity] = LATER
        else:
            kept.append((one, order))
    batch = Batch(
        operations=[one.operation for one, _ in kept],
        orders=[order for _, order in kept],
        source_times_us=[unix_seconds(read_at) * _US] * len(kept),
        keys=[write_exactly({"_id": identity_value(one.identity)}) for one, _ in kept],
        documents=[found.get(one.identity) for one, _ in kept],
    )
    return batch, left


def _append(comparison: Comparison, run: str, batch: Batch, count: int) -> None:
    job = comparison.job
    log = ChangeLog.open(job.paths.changes, job.target.lake.storage_options())
    position = {REPAIRS: log.position().get(REPAIRS, 0) + 1, f"{RUN_PREFIX}{run}": count}
    Appender(job, Report(job.table, job.pipeline.pipeline)).append(log, replace(batch, position=position))
