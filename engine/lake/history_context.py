"""What a history table and its log already know about the documents whose changes are being folded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.lake.log_events import deletes_after, events_of
from engine.lake.matching_rows import matching_rows, text_literal
from engine.lake.row_order import row_keys
from engine.lake.versions import EVENTS, VERSIONS

_STATISTICS_GRAIN = timedelta(milliseconds=1)
"""Delta's file statistics cut timestamps to whole milliseconds."""


@dataclass(frozen=True, slots=True)
class History:
    """Rows that the table holds (``VERSIONS``), and the events that make up the touched documents' chains."""

    rows: pa.Table
    events: pa.Table
    is_out_of_order: bool


def known_history(table: DeltaTable, log: DeltaTable, incoming: pa.Table) -> History:
    """Gather what the incoming changes have to be chained with.

    A document whose changes all come after everything known of it needs its open row only. For the others
    the whole chain is taken from the log: that is rare, and right whatever was folded before.

    Args:
        incoming: changes by document and position, each once.
    """
    ids = pc.unique(incoming.column("_id"))
    if not len(ids):
        return History(VERSIONS.empty_table(), EVENTS.empty_table(), is_out_of_order=False)
    recent = _recent_rows(table, ids, incoming)
    late = _late_documents(incoming, recent, log, ids)
    in_order_rows = recent.filter(pc.invert(pc.is_in(recent.column("_id"), late)))
    in_order_changes = incoming.filter(pc.invert(pc.is_in(incoming.column("_id"), late)))
    events = [_events_of_rows(in_order_rows), _events_of_changes(in_order_changes)]
    if not len(late):
        return History(recent, pa.concat_tables(events), is_out_of_order=False)
    rows = pa.concat_tables([in_order_rows, matching_rows(table, late, VERSIONS, None)])
    events.append(_events_of_changes(events_of(log, late)))
    return History(rows, pa.concat_tables(events), is_out_of_order=True)


def _recent_rows(table: DeltaTable, ids: pa.Array, incoming: pa.Table) -> pa.Table:
    """Open rows of the documents, and closed ones not older than the changes by position or by clock."""
    position = pc.min(incoming.column("_position")).as_py()
    began = pc.min(incoming.column("_source_ts")).as_py() - _STATISTICS_GRAIN
    closed = (
        f"_is_current = false AND (_position >= {text_literal(position)} "
        f"OR _valid_to >= arrow_cast('{began.isoformat()}', 'Timestamp(Microsecond, Some(\"UTC\"))'))"
    )
    found = [matching_rows(table, ids, VERSIONS, predicate) for predicate in ("_is_current = true", closed)]
    return pa.concat_tables(found)


def _late_documents(incoming: pa.Table, recent: pa.Table, log: DeltaTable, ids: pa.Array) -> pa.Array:
    """Documents with a known change at or after their first incoming one."""
    first = incoming.take(_first_of_each(incoming))
    deletes = deletes_after(log, ids, pc.min(incoming.column("_position")).as_py())
    news = pc.is_in(row_keys(deletes), row_keys(incoming))
    known = pa.concat_tables([recent.select(["_id", "_position"]), deletes.filter(pc.invert(news))])
    begins = first.column("_position").take(pc.index_in(known.column("_id"), first.column("_id")))
    return pc.unique(known.column("_id").filter(pc.greater_equal(known.column("_position"), begins)))


def _first_of_each(ordered: pa.Table) -> pa.Array:
    ids = ordered.column("_id").combine_chunks()
    changes = pc.not_equal(ids[1:], ids[:-1])
    return pc.indices_nonzero(pa.concat_arrays([pa.array([True]), changes]))


def _events_of_rows(rows: pa.Table) -> pa.Table:
    """Stored versions as events: each begins one, and a closed one ends in what acts as a delete.

    Where the next version began at that very moment the delete changes nothing.
    """
    closed = rows.filter(pc.is_valid(rows.column("_valid_to")))
    return pa.concat_tables(
        [
            _events(rows, rows.column("_valid_from"), rank=0, is_delete=_all(rows, value=False)),
            _events(closed, closed.column("_valid_to"), rank=1, is_delete=_all(closed, value=True)),
        ]
    )


def _events_of_changes(changes: pa.Table) -> pa.Table:
    return _events(changes, changes.column("_source_ts"), rank=0, is_delete=pc.equal(changes.column("_op"), "d"))


def _events(rows: pa.Table, at: pa.ChunkedArray, *, rank: int, is_delete: pa.Array) -> pa.Table:
    ranks = pa.repeat(pa.scalar(rank, pa.int8()), rows.num_rows)
    columns = [rows.column("_id"), rows.column("_position"), ranks, is_delete, at]
    return pa.table(columns, schema=EVENTS)


def _all(rows: pa.Table, *, value: bool) -> pa.Array:
    return pa.repeat(value, rows.num_rows)
