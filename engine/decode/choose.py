"""Which type a new column gets: decided by all of a batch's values for it, never by the first one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, TypeAlias

from bson.int64 import Int64

from engine.decode.values import BsonValue, home_of
from engine.decode.widths import WIDTHS
from engine.spec.types import Scalar

Shape: TypeAlias = "Scalar | Literal['document', 'array']"

_EXACT_DOUBLE_LIMIT = 2**53
_PRECEDENCE: tuple[Shape, ...] = ("document", "array", *Scalar)
"""Breaks ties, so that the same values give the same type whatever their order."""


def choose_shape(values: Sequence[BsonValue]) -> Shape | None:
    """The shape most of the values have; int32, int64 and double count together, for the widest of them.

    None when every value is null or undefined.
    """
    counts: Counter[Shape] = Counter()
    for value in values:
        shape = _shape_of(value)
        if shape is not None:
            counts[shape] += 1
    numeric = [shape for shape in WIDTHS if counts[shape]]
    if len(numeric) > 1:
        widest = _widest(values, numeric, counts)
        counts[widest] = sum(counts.pop(shape) for shape in numeric)
    if not counts.total():
        return None
    return min((shape for shape in counts if counts[shape]), key=lambda s: (-counts[s], _PRECEDENCE.index(s)))


def _shape_of(value: BsonValue) -> Shape | None:
    if isinstance(value, dict):
        return "document"
    if isinstance(value, list):
        return "array"
    return home_of(value)


def _widest(values: Sequence[BsonValue], numeric: Sequence[Scalar], counts: Counter[Shape]) -> Scalar:
    """The widest numeric type, unless integers too large for a double are the more frequent kind."""
    if Scalar.DOUBLE in numeric and _holds_large_integer(values):
        integers = counts[Scalar.INT32] + counts[Scalar.INT64]
        return Scalar.DOUBLE if counts[Scalar.DOUBLE] > integers else Scalar.INT64
    return numeric[-1]


def _holds_large_integer(values: Sequence[BsonValue]) -> bool:
    return any(type(value) is Int64 and abs(value) > _EXACT_DOUBLE_LIMIT for value in values)
