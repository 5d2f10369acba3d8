"""Rows of some documents, read from a table column by column."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.lake.delta_errors import reading
from engine.lake.table_types import plain_table

_STRIDE_ROWS = 500_000
"""Rows filtered at a time: ``is_in`` hashes its whole value set anew at every call."""


def matching_rows(table: DeltaTable, ids: pa.Array, schema: pa.Schema, predicate: str | None) -> pa.Table:
    """The rows with one of these ``_id`` texts that meet a SQL predicate, in no order.

    Args:
        ids: distinct or not.
        schema: the columns to read, with ``_id`` among them.
        predicate: file statistics and partitions leave most files unread when it allows.
    """
    found = [schema.empty_table()]
    with reading(table.table_uri):
        scan = pa.RecordBatchReader.from_stream(table.scan(columns=schema.names, predicate=predicate))
        found += [rows.filter(pc.is_in(rows.column("_id"), ids)) for rows in _strides(scan, schema)]
    return pa.concat_tables(found)


def text_literal(text: str) -> str:
    """A string in the SQL of a predicate."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _strides(batches: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= _STRIDE_ROWS:
            yield plain_table(pa.Table.from_batches(held), schema)
            held = []
    if held:
        yield plain_table(pa.Table.from_batches(held), schema)
