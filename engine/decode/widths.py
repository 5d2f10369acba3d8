"""The order in which numeric columns may be widened: int32, int64, double."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bson.int64 import Int64

from engine.decode.values import BsonValue
from engine.spec.types import ColumnType, Scalar

WIDTHS = (Scalar.INT32, Scalar.INT64, Scalar.DOUBLE)
_NEEDED: Mapping[type, Scalar] = MappingProxyType({Int64: Scalar.INT64, float: Scalar.DOUBLE})


def wider(first: ColumnType, second: ColumnType) -> ColumnType:
    """The wider one of two numeric types; the first when one of them is not numeric."""
    if first in WIDTHS and second in WIDTHS:
        return max(first, second, key=WIDTHS.index)
    return first


def width_needed(value: BsonValue, column: ColumnType) -> ColumnType | None:
    """The wider type that this value asks of its column, if widening can help."""
    needed = _NEEDED.get(type(value))
    if needed is None or wider(column, needed) == column:
        return None
    return needed
