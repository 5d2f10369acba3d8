"""How much of a table lies in files that lose rows, by the files' statistics."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import pyarrow as pa
from deltalake import DeltaTable

from engine.lake.delta_errors import reading

_LAST = "\U0010ffff"
"""Behind a maximum that was cut off, whatever stood there."""


def touched_share(table: DeltaTable, ids: Sequence[str]) -> float:
    """The share of the table's bytes in files that hold a row of these documents: an estimate, 0 to 1.

    Files whose ranges of ``_id`` overlap are taken to hold the documents in equal parts.

    Args:
        ids: sorted, each in the table.
    """
    with reading(table.table_uri):
        files = pa.table(table.get_add_actions(flatten=True))
    sizes: list[int] = files.column("size_bytes").to_pylist()
    within = [_within(ids, low, high) for low, high in zip(_bounds(files, "min"), _bounds(files, "max"), strict=True)]
    all_within, all_bytes = sum(within), sum(sizes)
    if not all_within or not all_bytes:
        return 0.0
    expected = (count * len(ids) / all_within for count in within)
    return sum(size * -math.expm1(-rows) for size, rows in zip(sizes, expected, strict=True)) / all_bytes


def _within(ids: Sequence[str], low: str | None, high: str | None) -> int:
    begin = 0 if low is None else bisect_left(ids, low)
    end = len(ids) if high is None else bisect_right(ids, high + _LAST)
    return max(0, end - begin)


def _bounds(files: pa.Table, which: str) -> list[str | None]:
    name = f"{which}._id"
    return files.column(name).to_pylist() if name in files.column_names else [None] * files.num_rows
