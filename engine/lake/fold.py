"""Fold a change log into the current table: the latest row of each document, deleted documents gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from deltalake.table import TableMerger

from engine.decode.system_columns import current_schema
from engine.lake.change_log import ChangeLog
from engine.lake.fold_limits import FoldLimits
from engine.lake.fold_steps import Counts, FoldKind, FoldResult, StepInput, run_fold
from engine.lake.folded_table import UNFINISHED, quoted
from engine.lake.outcome import KEYS, Outcome, outcome_of
from engine.lake.table_parts import joined
from engine.lake.touched_share import touched_share


def fold_current(
    log: ChangeLog,
    uri: str,
    *,
    partition_by: Sequence[str] = (),
    rebuild: bool = False,
    limits: FoldLimits | None = None,
) -> FoldResult:
    """Bring the current table at ``uri`` up to the log's newest version; create it when there is none.

    The table depends on nothing but the set of changes in the log: in whatever order and steps they are
    folded, a document's row is its change with the greatest ``_position``, and no row when that is a delete.

    Args:
        partition_by: document columns; heeded when the table is created.
        rebuild: read the whole log, not only what is new. Rows are written again even if they look equal.

    Raises:
        CommitConflict: another fold was first; nothing is doubled, fold again.
        LogHistoryGone: what is new was cleaned up before it was folded; fold with ``rebuild``.
        LakeError: a table cannot be read, or the current table belongs to another log.
    """
    return run_fold(_CURRENT, log, uri, partition_by, limits or FoldLimits(), rebuild=rebuild)


def _merge(step: StepInput) -> Counts:
    outcome = outcome_of(step.log_step.parts(KEYS), step.target.table, step.tail.table, rewrite=step.is_rebuild)
    names = step.target.schema.names
    if not len(outcome.removed):
        step.target.add(_written(step, outcome, names), step.position)
    elif touched_share(step.target.table, outcome.removed.to_pylist()) >= step.limits.rewrite_share:
        step.target.rewrite(outcome.removed, _written(step, outcome, names), step.position)
    else:
        _merge_rows(step, outcome)
    return Counts(outcome.num_read, *outcome.counts)


def _written(step: StepInput, outcome: Outcome, names: Sequence[str]) -> Iterator[pa.Table]:
    """The rows that the table gets."""
    return outcome.chosen(step.log_step.parts(names), outcome.is_write)


def _merge_rows(step: StepInput, outcome: Outcome) -> None:
    """MERGE the changes: a few files are written again, where they hold the documents that changed."""
    names = [*step.target.schema.names, "_op"]
    parts = outcome.chosen(step.log_step.parts(names), outcome.is_write | outcome.is_delete)
    newer = f's."_position" {">=" if step.is_rebuild else ">"} t."_position"'
    values = {quoted(name): f"s.{quoted(name)}" for name in step.target.schema.names}

    def clauses(merger: TableMerger) -> TableMerger:
        return (
            merger.when_matched_delete(f"s.\"_op\" = 'd' AND {newer}")
            .when_matched_update(values, f"s.\"_op\" <> 'd' AND {newer}")
            .when_not_matched_insert(values, "s.\"_op\" <> 'd'")
        )

    # Killed between two pieces: the next fold finds the first one's rows as new as its changes, and leaves them.
    for piece, is_last in joined(parts, step.limits.max_rows, step.limits.max_bytes):
        step.target.check_types(piece.drop_columns("_op"))
        position = step.position if is_last else UNFINISHED
        step.target.merge(piece, 't."_id" = s."_id"', clauses, position, step.limits)


_CURRENT = FoldKind(
    current_schema, ("_id", "_op", "_source_ts", "_position", "_ingested_at", "_rescued"), _merge, by_keys=True
)
