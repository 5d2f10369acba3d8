"""Spills every row of the table side: each row is in exactly one bucket, so one that no document has is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from engine.reconcile.candidates import LOG_PAIRS
from engine.reconcile.digests import PAIRS, pairs
from engine.reconcile.spill import write_spill
from engine.reconcile.table_side import TableSide
from engine.state.checkpoints import Checkpoints

_ROWS_A_FILE = 200_000
_DONE = "table"


def spill_table(
    side: TableSide, folder: Path, buckets: int, key: bytes, checkpoints: Checkpoints, progress: Callable[[int], None]
) -> tuple[list[Path], int]:
    """The files that hold the rows, and the table's version; those of a finished scan are taken as they are.

    Args:
        side: the rows.
        folder: where the files go.
        buckets: how many.
        key: of the digests.
        checkpoints: remembers that all rows are there.
        progress: told the rows of each file.

    Raises:
        LakeError: the table cannot be read.
    """
    saved = cast("dict[str, Any] | None", checkpoints.get(_DONE))
    if saved is not None:
        there = [_path(folder, number) for number in range(saved["files"])]
        if all(path.exists() for path in there):
            progress(saved["rows"])
            return there, saved["version"]
    paths: list[Path] = []
    held: list[pa.Table] = []
    rows = count = 0

    def write() -> None:
        paths.append(_path(folder, len(paths)))
        write_spill(paths[-1], pa.concat_tables(held), buckets)
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
    checkpoints.put(_DONE, {"files": len(paths), "rows": count, "version": side.version})
    return paths, side.version


def _pairs(rows: pa.Table, side: TableSide, key: bytes) -> pa.Table:
    found = pairs(rows, side.columns, key)
    if "_op" not in rows.column_names:
        return found.cast(PAIRS)
    return pa.table([*found.columns, rows.column("_position"), rows.column("_op")], schema=LOG_PAIRS)


def _path(folder: Path, number: int) -> Path:
    return folder / f"table-{number:06d}.arrow"
