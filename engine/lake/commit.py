"""Commits to a Delta table: the position travels in them as ``txn`` actions."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pyarrow as pa
from deltalake import ColumnProperties, CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake

from engine.lake.delta_errors import committing
from engine.lake.table_types import unsliced

APP_PREFIX = "oplake:"
REWRITE_NOTE = "oplake.rewrite"
"""Commit note of a commit that rewrote rows without changing what they say; folds pass it over."""
SIZE_NOTE = "oplake.arrow_bytes"
"""Commit note: how many bytes its rows have in Arrow form, which a file of many equal texts does not tell."""
_UNIQUE = ColumnProperties(dictionary_enabled=False)
_FILES = WriterProperties(column_properties={"_id": _UNIQUE, "_position": _UNIQUE})
"""Texts that do not repeat gain nothing from a dictionary; a fifth of the time of writing rows of 400 B went there."""


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
