"""A table's rows part by part: larger than deltalake's batches, small enough to be held beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from deltalake import DeltaTable

from engine.lake.delta_errors import reading
from engine.lake.table_types import plain_table

STRIDE_ROWS, STRIDE_BYTES = 500_000, 128 << 20
"""Rows looked up at a time: Arrow hashes what it looks them up in anew at every call."""


def table_parts(
    table: DeltaTable, schema: pa.Schema, predicate: str | None = None, stride_bytes: int = STRIDE_BYTES
) -> Iterator[pa.Table]:
    """The rows that meet a SQL predicate, or all, in no order.

    Args:
        schema: the columns to read.
        predicate: file statistics and partitions leave most files unread when it allows.
        stride_bytes: of a part, about, as deltalake reads it.

    Raises:
        LakeError: the table cannot be read.
    """
    with reading(table.table_uri):
        yield from strides(pa.RecordBatchReader.from_stream(table.scan(schema.names, predicate)), schema, stride_bytes)


def strides(batches: pa.RecordBatchReader, schema: pa.Schema, stride_bytes: int = STRIDE_BYTES) -> Iterator[pa.Table]:
    """What deltalake reads, joined to parts that have the columns of a schema."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= STRIDE_ROWS or size >= stride_bytes:
            yield plain_table(pa.Table.from_batches(held), schema)
            held, rows, size = [], 0, 0
    if held:
        yield plain_table(pa.Table.from_batches(held), schema)


def joined(parts: Iterable[pa.Table], max_rows: int, max_bytes: int) -> Iterator[tuple[pa.Table, bool]]:
    """Parts joined to tables of about so many rows or bytes at most, and whether each is the last."""
    held: list[pa.Table] = []
    for part in parts:
        if is_full(held, max_rows, max_bytes):
            yield pa.concat_tables(held), False
            held = []
        held.append(part)
    if held:
        yield pa.concat_tables(held), True


def is_full(tables: Sequence[pa.Table], max_rows: int, max_bytes: int) -> bool:
    """Whether tables have so many rows or bytes together."""
    return bool(sum(one.num_rows for one in tables) >= max_rows or sum(one.nbytes for one in tables) >= max_bytes)
