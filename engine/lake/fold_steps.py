"""What every fold does: read the log's new rows in steps and merge each with its position in one commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

import pyarrow as pa

from engine.errors import CommitConflict, LakeError
from engine.lake.change_log import ChangeLog
from engine.lake.fold_limits import FoldLimits
from engine.lake.folded_table import FoldedTable, fold_position
from engine.lake.log_tail import LogTail, Step
from engine.lake.standing import TableReplaced
from engine.spec.types import Struct

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows that were read of the log, and rows that were inserted, updated and deleted in the table."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.read + other.read,
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
        )


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What a fold did. Versions are the log's; ``from_version`` is None when the whole log was read."""

    from_version: int | None
    to_version: int
    rows_read: int
    inserted: int
    updated: int
    deleted: int
    seconds: float
    size_bytes: int
    """Parquet files of the folded table."""


@dataclass(frozen=True, slots=True)
class StepInput:
    """What a merge is given: the target, the log, the step of it, and the position to commit."""

    target: FoldedTable
    tail: LogTail
    log_step: Step
    position: Mapping[str, int]
    limits: FoldLimits
    is_rebuild: bool


@dataclass(frozen=True, slots=True)
class FoldKind:
    """Current or history: the table's schema, the log's system columns it reads, and its merge."""

    shape: Callable[[Struct], pa.Schema]
    system_names: Sequence[str]
    merge: Callable[[StepInput], Counts]
    by_keys: bool = False
    """Whether its merge does not hold the rows of a step whole."""


def run_fold(
    kind: FoldKind,
    log: ChangeLog,
    uri: str,
    partition_by: Sequence[str],
    limits: FoldLimits,
    *,
    rebuild: bool,
) -> FoldResult:
    """Fold what is new in the log into the table at ``uri``; see ``fold.py`` and ``fold_history.py``."""
    started = time.monotonic()
    log.check_standing()
    tail = LogTail.open(log.uri, log.storage_options)
    if tail.id != log.id:
        raise TableReplaced.at(log.uri, tail.id)

    def opened() -> FoldedTable:
        return FoldedTable.open_or_create(uri, kind.shape, tail.columns, partition_by, log.storage_options)

    target = opened()
    folded = None if rebuild else _folded_version(target, tail)
    total = Counts()
    if folded != tail.version:
        names = [*tail.columns.fields, *kind.system_names]
        numbers = count()  # enumerate() would keep a step, and the rows that it holds, beside the next one
        for step in tail.steps(folded, names, limits, by_keys=kind.by_keys):
            position = fold_position(tail.id, step.version, next(numbers))
            counts, target = _merged(kind, opened, StepInput(target, tail, step, position, limits, folded is None))
            total += counts
            del step
    return FoldResult(
        folded,
        tail.version,
        total.read,
        total.inserted,
        total.updated,
        total.deleted,
        time.monotonic() - started,
        target.size_bytes(),
    )


def _merged(kind: FoldKind, opened: Callable[[], FoldedTable], step: StepInput) -> tuple[Counts, FoldedTable]:
    """Merge one step; again when a maintenance commit came in between, never when another fold did."""
    before = step.target.folded_version(step.tail.id)
    for left in reversed(range(_ATTEMPTS)):
        try:
            step.target.evolve(step.tail.columns)
            return kind.merge(step), step.target
        except CommitConflict:
            step = replace(step, target=opened())
            if not left or step.target.folded_version(step.tail.id) != before:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _folded_version(target: FoldedTable, tail: LogTail) -> int | None:
    """How far the table has been folded.

    Raises:
        LakeError: further than the log goes: somebody restored or replaced the log.
    """
    folded = target.folded_version(tail.id)
    if folded is not None and folded > tail.version:
        raise LakeError(
            f"the table holds version {folded} of a change log that ends at {tail.version}",
            where=target.uri,
            remedy="delete this table; the next fold builds it again from the log",
        )
    return folded
