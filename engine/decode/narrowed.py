"""Which narrower type the numbers of a row had before their column was widened: one note for all of a row's numbers.

    {"\\\\was": {"count": "int32", "items.price": "int32"}}

The note is the same text in nearly every row that a widening rewrites, so it costs next to nothing in Parquet. A
number with a note of its own (its BSON type was another one already) is told by that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from engine.decode.rescue import note_text, read_notes
from engine.decode.system_columns import NO_IMAGE
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

WAS = "\\was"
ONLY_WAS = r'^\{"\\\\was":\{[^{}]*\}\}$'
"""A regular expression for the text of a row that notes nothing else."""

Retype = Callable[[str, Scalar], ColumnType]
"""Column path and type -> another type. Field names are joined by dots; lists and maps add nothing."""


def retyped(columns: Struct, retype: Retype) -> Struct:
    """The columns with every scalar as ``retype`` has it."""
    return Struct({name: _retyped(column, name, retype) for name, column in columns.fields.items()})


def narrower_before(before: Struct, after: Struct) -> dict[str, str]:
    """Column path -> the type it had, for each scalar that has another one after."""
    types: dict[str, Scalar] = {}
    was: dict[str, str] = {}

    def take(path: str, scalar: Scalar) -> ColumnType:
        types[path] = scalar
        return scalar

    def compare(path: str, scalar: Scalar) -> ColumnType:
        if types.get(path, scalar) is not scalar:
            was[path] = types[path].value
        return scalar

    retyped(before, take)
    retyped(after, compare)
    return was


def remember(rescued: pa.ChunkedArray, was: Mapping[str, str]) -> pa.ChunkedArray:
    """The ``_rescued`` column of rows whose columns had these types; what a row remembers already is older."""

    def noted(text: str | None) -> str | None:
        if text == NO_IMAGE:
            return text
        notes = read_notes(text)
        return note_text(notes | {WAS: {**was, **notes.get(WAS, {})}})

    alone = noted(None)
    texts = [alone if text is None else noted(text) for text in rescued.to_pylist()]
    return pa.chunked_array([pa.array(texts, rescued.type)])


def as_they_were(columns: Struct, was: Mapping[str, str]) -> Struct:
    """The columns with the types that a row's numbers had."""
    return retyped(columns, lambda path, scalar: Scalar(was.get(path, scalar))) if was else columns


def _retyped(column: ColumnType, path: str, retype: Retype) -> ColumnType:
    match column:
        case Struct(fields):
            return Struct({name: _retyped(child, f"{path}.{name}", retype) for name, child in fields.items()})
        case ListOf(element):
            return ListOf(_retyped(element, path, retype))
        case MapOf(value):
            return MapOf(_retyped(value, path, retype))
        case scalar:
            return retype(path, scalar)
