"""Fold a change log into the current table: the latest row of each document, deleted documents gone."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.table import TableMerger

from engine.decode.system_columns import ID, current_schema
from engine.lake.change_log import ChangeLog
from engine.lake.fold_limits import FoldLimits
from engine.lake.fold_steps import Counts, FoldKind, FoldResult, StepInput, run_fold
from engine.lake.folded_table import FoldedTable, quoted
from engine.lake.log_events import deletes_after
from engine.lake.matching_rows import matching_rows
from engine.lake.row_order import newest_rows

_INSERTS = pa.array(["r", "c"])


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
    source = _without_deleted(newest_rows(step.rows), step)
    rows = source.drop_columns("_op")
    if _are_all_new(source, step.target):
        step.target.add(rows, step.position)
        return Counts(inserted=rows.num_rows)
    step.target.check_types(rows)
    newer = f's."_position" {">=" if step.is_rebuild else ">"} t."_position"'
    values = {quoted(name): f"s.{quoted(name)}" for name in rows.column_names}

    def clauses(merger: TableMerger) -> TableMerger:
        return (
            merger.when_matched_delete(f"s.\"_op\" = 'd' AND {newer}")
            .when_matched_update(values, f"s.\"_op\" <> 'd' AND {newer}")
            .when_not_matched_insert(values, "s.\"_op\" <> 'd'")
        )

    metrics = step.target.merge(source, 't."_id" = s."_id"', clauses, step.position, step.limits)
    return Counts(
        metrics.get("num_target_rows_inserted", 0),
        metrics.get("num_target_rows_updated", 0),
        metrics.get("num_target_rows_deleted", 0),
    )


def _are_all_new(source: pa.Table, target: FoldedTable) -> bool:
    """Whether every row is the first of its document: a snapshot, or a collection that only grows.

    Looked up only when the operations say so, for it reads the whole ``_id`` column.
    """
    if not pc.all(pc.is_in(source.column("_op"), _INSERTS)).as_py():
        return False
    return not matching_rows(target.table, source.column("_id"), pa.schema([ID]), None).num_rows


def _without_deleted(newest: pa.Table, step: StepInput) -> pa.Table:
    """The rows without those that the log knows a later delete of: they must not rise again.

    Such a delete may have been folded long ago, when it found nothing to delete or took an older row.
    """
    writes = newest.filter(pc.not_equal(newest.column("_op"), "d"))
    if not writes.num_rows:
        return newest
    earliest = pc.min(writes.column("_position")).as_py()
    deletes = deletes_after(step.tail.table, writes.column("_id"), earliest)
    if not deletes.num_rows:
        return newest
    last = newest_rows(deletes)
    deleted_at = last.column("_position").take(pc.index_in(newest.column("_id"), last.column("_id")))
    is_deleted = pc.fill_null(pc.greater(deleted_at, newest.column("_position")), fill_value=False)
    return newest.filter(pc.invert(is_deleted))


_CURRENT = FoldKind(current_schema, ("_id", "_op", "_source_ts", "_position", "_ingested_at", "_rescued"), _merge)
