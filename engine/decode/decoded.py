"""One batch as rows of the change log, and how its pieces are put together again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from engine.decode.rescue import Reason
from engine.decode.widths import wider
from engine.spec.types import ColumnType, Struct


@dataclass(frozen=True, slots=True)
class Decoded:
    """One batch as rows of the change log."""

    table: pa.Table
    """Document columns, then ``system_columns.LOG_COLUMNS``; one row a change, in batch order."""
    columns: Struct
    """The document columns: those the table had, then the new ones this batch brings."""
    rescued: Mapping[tuple[str, Reason], int]
    """(column path, reason) -> values kept in ``_rescued``."""
    widenings: Mapping[str, ColumnType]
    """Column path -> the wider type this batch asks for; only under ``on_conflict: widen``."""


def joined(parts: Sequence[Decoded], rows: Sequence[int] | None = None) -> Decoded:
    """Put parts with the same columns together again.

    Args:
        parts: at least one.
        rows: of each row of the parts, one after the other, the place in the whole; None: they stand in order.
    """
    rescued: Counter[tuple[str, Reason]] = Counter()
    widenings: dict[str, ColumnType] = {}
    for part in parts:
        rescued.update(part.rescued)
        for path, column in part.widenings.items():
            widenings[path] = wider(widenings.get(path, column), column)
    table = pa.concat_tables([part.table for part in parts])
    if rows is not None:
        table = table.take(pc.array_sort_indices(pa.array(rows, pa.int64())))
    return Decoded(
        table=table,
        columns=parts[0].columns,
        rescued=MappingProxyType(dict(rescued)),
        widenings=MappingProxyType(widenings),
    )
