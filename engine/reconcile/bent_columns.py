"""Columns that say something else than the note beside them: the document comes back, and a query is told a lie.

A note in ``_rescued`` tells a value exactly, so a row can give its document back byte for byte while the column of
that value, which queries read, holds anything. What belongs there is what decoding the document now would put there.
Or nothing: the column may have been narrower, or not there, when the value came, and then the note is all there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from engine.decode import extended_json
from engine.decode.document_rows import document_rows
from engine.decode.rebuild import Row, rebuild
from engine.decode.rules import DecodeRules
from engine.decode.values import BsonValue
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

_NEVER_EMPTY = frozenset(Scalar) - {Scalar.INT64, Scalar.DOUBLE, Scalar.JSON}
"""No column becomes one of these, so what it holds now it could hold when the row was written."""

Names: TypeAlias = tuple[str | int, ...]
"""Field names, and numbers of array elements."""


def bent_columns(
    document: bytes, row: Row, columns: Struct, rules: DecodeRules
) -> Iterator[tuple[Names, BsonValue, BsonValue]]:
    """Path, what its column should hold, and what it holds; None where there is nothing.

    Args:
        document: BSON, which the row gives back as it is (masks aside).
        row: of any of the three tables.
        columns: the table's document columns.
        rules: masks are laid over the document.
    """
    (fresh,) = document_rows([document], columns, rules).table.to_pylist()
    yield from _compare(_columns_alone(fresh, columns), _columns_alone(row, columns), columns, ())


def _columns_alone(row: Row, columns: Struct) -> BsonValue:
    """What a query sees that asks no note."""
    document = rebuild({**row, "_rescued": None}, columns)
    del document["_id"]  # its digest is of the text, which the two rows have in common
    return document


def _compare(
    right: BsonValue, found: BsonValue, column: ColumnType | None, path: Names
) -> Iterator[tuple[Names, BsonValue, BsonValue]]:
    if found is None:
        if right is not None and isinstance(column, Scalar) and column in _NEVER_EMPTY:
            yield path, right, None
    elif isinstance(right, dict) and isinstance(found, dict):
        for name in dict.fromkeys([*right, *found]):
            yield from _compare(right.get(name), found.get(name), _field(column, name), (*path, name))
    elif isinstance(right, list) and isinstance(found, list) and len(right) == len(found):
        element = column.element if isinstance(column, ListOf) else None
        for number, (one, other) in enumerate(zip(right, found, strict=True)):
            yield from _compare(one, other, element, (*path, number))
    elif right is None or extended_json.dumps(right) != extended_json.dumps(found):
        yield path, right, found


def _field(column: ColumnType | None, name: str) -> ColumnType | None:
    match column:
        case Struct(fields):
            return fields.get(name)
        case MapOf(value):
            return value
    return None
