"""Fold a change log into the history table (SCD2): one row a version of a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.table import TableMerger

from engine.decode.system_columns import history_schema
from engine.lake.change_log import ChangeLog
from engine.lake.fold_limits import FoldLimits
from engine.lake.fold_steps import Counts, FoldKind, FoldResult, StepInput, run_fold
from engine.lake.folded_table import quoted
from engine.lake.history_context import History, known_history
from engine.lake.layout import HISTORY_PARTITION
from engine.lake.row_order import in_order, row_keys
from engine.lake.versions import VALIDITY, versions

_SAME_ROW = 't."_id" = s."_id" AND t."_position" = s."_position"'
_ONLY_CURRENT = f'{_SAME_ROW} AND t."{HISTORY_PARTITION}" = true'


def fold_history(
    log: ChangeLog,
    uri: str,
    *,
    partition_by: Sequence[str] = (),
    rebuild: bool = False,
    limits: FoldLimits | None = None,
) -> FoldResult:
    """Bring the history table at ``uri`` up to the log's newest version; create it when there is none.

    A version's ``_valid_from`` is its change's ``_source_ts``, its ``_valid_to`` the next change's (null
    while there is none); a delete closes the row and leaves none of its own. The table depends on nothing
    but the set of changes in the log: a change that arrives after a later one was folded is put between
    its neighbours.

    Args:
        partition_by: document columns; heeded when the table is created.
        rebuild: read the whole log, not only what is new. Rows are written again even if they look equal.

    Returns:
        ``inserted`` counts new versions, ``updated`` versions whose validity changed.

    Raises:
        CommitConflict: another fold was first; nothing is doubled, fold again.
        LogHistoryGone: what is new was cleaned up before it was folded; fold with ``rebuild``.
        LakeError: a table cannot be read, or the history table belongs to another log.
    """
    layout = (*partition_by, HISTORY_PARTITION)
    return run_fold(_HISTORY, log, uri, layout, limits or FoldLimits(), rebuild=rebuild)


def _merge(step: StepInput) -> Counts:
    rows = step.log_step.rows
    incoming = in_order(rows)
    known = known_history(step.target.table, step.tail.table, incoming)
    schema = step.target.schema
    changed = _changed_versions(incoming, known, schema, rewrite=step.is_rebuild)
    if not changed.are_stored:
        step.target.add(iter([changed.rows]), step.position)
        return Counts(rows.num_rows, changed.rows.num_rows)
    step.target.check_types(changed.rows)
    values = {quoted(name): f"s.{quoted(name)}" for name in schema.names}
    validity = {quoted(name): f"s.{quoted(name)}" for name in VALIDITY.names}

    def clauses(merger: TableMerger) -> TableMerger:
        return (
            merger.when_matched_update(validity, 's."_op" IS NULL')
            .when_matched_update(values, 's."_op" IS NOT NULL')
            .when_not_matched_insert(values, 's."_op" IS NOT NULL')
        )

    predicate = _SAME_ROW if known.is_out_of_order or step.is_rebuild else _ONLY_CURRENT
    metrics = step.target.merge(changed.rows, predicate, clauses, step.position, step.limits)
    return Counts(rows.num_rows, metrics.get("num_target_rows_inserted", 0), metrics.get("num_target_rows_updated", 0))


@dataclass(frozen=True, slots=True)
class _Changed:
    """New versions, whole; and versions with another validity, whose document columns and ``_op`` are null."""

    rows: pa.Table
    are_stored: bool
    """Whether the table holds any of them."""


def _changed_versions(incoming: pa.Table, known: History, schema: pa.Schema, *, rewrite: bool) -> _Changed:
    chained = versions(known.events)
    keys = row_keys(chained)
    in_table = pc.index_in(keys, row_keys(known.rows))
    in_step = pc.index_in(keys, row_keys(incoming))
    is_known, is_incoming = pc.is_valid(in_table), pc.is_valid(in_step)
    whole = is_incoming if rewrite else pc.and_(is_incoming, pc.invert(is_known))
    altered = pc.and_(pc.and_(is_known, pc.invert(whole)), _differs(chained, known.rows.take(in_table)))
    documents = incoming.take(in_step.filter(whole))
    rows = pa.table({**_columns(documents), **_columns(chained.filter(whole).select(VALIDITY.names))})
    validity = chained.filter(altered)
    nulls = {field.name: pa.nulls(validity.num_rows, field.type) for field in schema}
    parts = [rows.select(schema.names), pa.table({**nulls, **_columns(validity)}, schema=schema)]
    stored = pc.any(pc.and_(is_known, pc.or_(whole, altered))).as_py()
    return _Changed(pa.concat_tables([part.cast(schema) for part in parts]), bool(stored))


def _differs(chained: pa.Table, stored: pa.Table) -> pa.Array:
    different = [
        pc.or_(
            pc.fill_null(pc.not_equal(chained.column(name), stored.column(name)), fill_value=False),
            pc.not_equal(pc.is_null(chained.column(name)), pc.is_null(stored.column(name))),
        )
        for name in VALIDITY.names
    ]
    return pc.or_(pc.or_(different[0], different[1]), different[2])


def _columns(rows: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(rows.column_names, rows.columns, strict=True))


_HISTORY = FoldKind(history_schema, ("_id", "_op", "_source_ts", "_position", "_ingested_at", "_rescued"), _merge)
