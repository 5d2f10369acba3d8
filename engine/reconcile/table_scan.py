"""Spills every row of the table side: each row is in exactly one bucket, so one that no document has is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from engine.reconcile.candidates import LOG_PAIRS
from engine.reconcile.digests import PAIRS, pairs
from engine.reconcile.spill import spill_content, write_spill
from engine.reconcile.spill_folder import SpillFolder
from engine.reconcile.spilled_side import SpilledSide
from engine.reconcile.table_side import TableSide

_ROWS_A_FILE = 200_000


def spill_table(
    side: TableSide, files: SpilledSide, folder: SpillFolder, buckets: int, key: bytes, progress: Callable[[int], None]
) -> int:
    """Spill all rows, and return the table's version; what a finished scan has spilled is taken as it is.

    Args:
        side: the rows.
        files: is told which files hold them.
        folder: where the files go.
        buckets: how many.
        key: of the digests.
        progress: told the rows of each file.

    Raises:
        LakeError: the table cannot be read.
    """
    done = files.done()
    if done is not None:
        progress(done["rows"])
        return int(done["version"])
    paths: list[Path] = []
    held: list[pa.Table] = []
    rows = count = 0

    def write() -> None:
        paths.append(folder.rows(len(paths)))
        write_spill(paths[-1], spill_content(pa.concat_tables(held), buckets))
        progress(rows)

    for batch in side.batches():
        held.append(_pairs(batch, side, key))
        rows += batch.num_rows
        count += batch.num_rows
        if rows >= _ROWS_A_FILE:
            write()
            held, rows = [], 0
    if held:
        write()
    files.save(paths, {"rows": count, "version": side.version})
    return side.version


def _pairs(rows: pa.Table, side: TableSide, key: bytes) -> pa.Table:
    found = pairs(rows, side.columns, key)
    if "_op" not in rows.column_names:
        return found.cast(PAIRS)
    return pa.table([*found.columns, rows.column("_position"), rows.column("_op")], schema=LOG_PAIRS)
