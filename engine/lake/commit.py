"""Commits to a Delta table: the position travels in them as ``txn`` actions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing

import pyarrow as pa
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake

from engine.errors import OplakeError
from engine.lake.delta_errors import committing
from engine.lake.read_ahead import ReadAhead
from engine.lake.table_types import unsliced

APP_PREFIX = "oplake:"
REWRITE_NOTE = "oplake.rewrite"
"""Commit note of a commit that rewrote rows without changing what they say; folds pass it over."""
SIZE_NOTE = "oplake.arrow_bytes"
"""Commit note: how many bytes its rows have in Arrow form, which a file of many equal texts does not tell."""
_UNIQUE = ColumnProperties(dictionary_enabled=False)
_ROW_GROUP_ROWS = 131_072
_FILES = WriterProperties(
    compression="SNAPPY",
    max_row_group_size=_ROW_GROUP_ROWS,
    column_properties={"_id": _UNIQUE, "_position": _UNIQUE},
)
"""Given any other property, deltalake 1.6.6 does not compress unless told to; given none, it writes snappy.
Texts that do not repeat gain nothing from a dictionary; a fifth of the time of writing rows of 400 B went there.
The writer holds a row group until it is full: deltalake's own, of a million rows, took 180 MB more."""


def commit_properties(
    position: Mapping[str, int], *, note: str | None = None, size_bytes: int = 0, exclusive: bool = False
) -> CommitProperties:
    """What a commit carries beside its rows.

    Args:
        position: application id (without the prefix) -> version, one ``txn`` action each. Their
            ``lastUpdated`` is always set: without it a table with a transaction retention forgets them.
        note: why rows were rewritten, when nothing was added.
        size_bytes: of the rows that were added, in Arrow form.
        exclusive: fail when anybody has committed since the table was opened, whatever they wrote.
    """
    now_ms = time.time_ns() // 1_000_000
    notes = {REWRITE_NOTE: note} if note else {}
    if size_bytes:
        notes[SIZE_NOTE] = str(size_bytes)
    return CommitProperties(
        app_transactions=[Transaction(APP_PREFIX + name, value, now_ms) for name, value in position.items()],
        custom_metadata=notes or None,
        max_commit_retries=0 if exclusive else None,
    )


def append_rows(table: DeltaTable, rows: pa.Table, position: Mapping[str, int], *, evolve: bool = False) -> None:
    """Append rows, none or more, through a held table, so that a ``txn`` of another writer fences us off.

    Args:
        evolve: add the columns that the table does not have yet.

    Raises:
        CommitConflict: another writer was first, or the commit's fate is unknown.
    """
    with committing(table.table_uri):
        write_deltalake(
            table,
            unsliced(rows),
            mode="append",
            schema_mode="merge" if evolve else None,
            writer_properties=_FILES,
            commit_properties=commit_properties(position, size_bytes=rows.nbytes if rows.num_rows else 0),
        )


def write_parts(
    table: DeltaTable,
    parts: Iterator[pa.Table],
    schema: pa.Schema,
    position: Mapping[str, int],
    *,
    overwrite: bool = False,
) -> None:
    """Append rows that come part by part, none or more, or put them in the place of all that the table has.

    Args:
        parts: rows with the columns of the schema, the table's own.

    Raises:
        CommitConflict: another writer was first, or the commit's fate is unknown.
        Exception: what ended the parts; nothing is committed.
    """
    with closing(ReadAhead(unsliced(part.cast(schema)) for part in parts)) as ahead:
        batches = (batch for part in ahead for batch in part.to_batches())
        try:
            with committing(table.table_uri):
                write_deltalake(
                    table,
                    pa.RecordBatchReader.from_batches(schema, batches),
                    mode="overwrite" if overwrite else "append",
                    writer_properties=_FILES,
                    commit_properties=commit_properties(position, exclusive=overwrite),
                )
        except OplakeError as error:
            if ahead.error is None:
                raise
            raise ahead.error from error
