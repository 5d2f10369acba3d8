"""Which type a new column gets: decided by all of a batch's values for it, never by the first one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, TypeAlias

from engine.decode.scalars import hold
from engine.decode.values import BsonValue, home_of
from engine.decode.widths import WIDTHS
from engine.spec.types import Scalar

Shape: TypeAlias = "Scalar | Literal['document', 'array']"

_NEARLY_ALL = 0.95
"""A few outliers do not widen a column: they would make every other value a stranger in it."""
_PRECEDENCE: tuple[Shape, ...] = ("document", "array", *Scalar)
"""Breaks ties, so that the same values give the same type whatever their order."""


def choose_shape(values: Sequence[BsonValue]) -> Shape | None:
    """The shape most of the values have; int32, int64 and double count together.

    None when every value is null or undefined.
    """
    counts: Counter[Shape] = Counter()
    for value in values:
        shape = _shape_of(value)
        if shape is not None:
            counts[shape] += 1
    numeric = [shape for shape in WIDTHS if counts[shape]]
    if len(numeric) > 1:
        chosen = _numeric_type(values, numeric)
        counts[chosen] = sum(counts.pop(shape) for shape in numeric)
    if not counts.total():
        return None
    return min((shape for shape in counts if counts[shape]), key=lambda s: (-counts[s], _PRECEDENCE.index(s)))


def _shape_of(value: BsonValue) -> Shape | None:
    if isinstance(value, dict):
        return "document"
    if isinstance(value, list):
        return "array"
    return home_of(value)


def _numeric_type(values: Sequence[BsonValue], numeric: Sequence[Scalar]) -> Scalar:
    """The narrowest type that holds nearly all of the numbers exactly, else the one that holds most of them."""
    numbers = [value for value in values if _shape_of(value) in numeric]
    held = {scalar: sum(hold(value, scalar).value is not None for value in numbers) for scalar in numeric}
    nearly_all = _NEARLY_ALL * len(numbers)
    enough = [scalar for scalar in numeric if held[scalar] >= nearly_all]
    return enough[0] if enough else max(numeric, key=held.__getitem__)
