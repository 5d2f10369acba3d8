"""Rows of some documents, read from a table column by column."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.lake.delta_errors import reading
from engine.lake.table_types import plain_table

_STRIDE_ROWS, _STRIDE_BYTES = 500_000, 128 << 20
"""Rows filtered at a time: ``is_in`` hashes its whole value set anew at every call."""


def matching_rows(table: DeltaTable, ids: pa.Array, schema: pa.Schema, predicate: str | None) -> pa.Table:
    """The rows with one of these ``_id`` texts that meet a SQL predicate, in no order.

    Args:
        ids: distinct or not.
        schema: the columns to read, with ``_id`` among them.
        predicate: file statistics and partitions leave most files unread when it allows.
    """
    return pa.concat_tables([schema.empty_table(), *matching_parts(table, ids, schema, predicate)])


def matching_parts(table: DeltaTable, ids: pa.Array, schema: pa.Schema, predicate: str | None) -> Iterator[pa.Table]:
    """The same, part by part, for whoever may have had enough."""
    with reading(table.table_uri):
        scan = pa.RecordBatchReader.from_stream(table.scan(columns=schema.names, predicate=predicate))
        for rows in _strides(scan, schema):
            yield rows.filter(pc.is_in(rows.column("_id"), ids))


def text_literal(text: str) -> str:
    """A string in the SQL of a predicate."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _strides(batches: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _STRIDE_ROWS or size >= _STRIDE_BYTES:
            yield plain_table(pa.Table.from_batches(held), schema)
            held, rows, size = [], 0, 0
    if held:
        yield plain_table(pa.Table.from_batches(held), schema)
