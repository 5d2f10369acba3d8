"""Rows of some documents, read from a table column by column."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.lake.table_parts import table_parts


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
    for rows in table_parts(table, schema, predicate):
        yield rows.filter(pc.is_in(rows.column("_id"), ids))


def text_literal(text: str) -> str:
    """A string in the SQL of a predicate."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
