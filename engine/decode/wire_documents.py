"""Which texts of documents a table's columns hold as they are: one regular expression, and one schema to read by.

The expression admits a document when its fields stand in the order of the columns and every value is of its column's
own form. What it admits wrongly is no JSON at all (a comma too many, or none between two fields), which the parser
refuses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from engine.decode.wire_scalars import WIRE_SCALARS
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

ID = "_id"


def pattern_of(columns: Struct, identity: Scalar) -> str:
    """The pattern of whole documents, each with a line break behind it.

    Args:
        columns: the document columns; maps and ``json`` are never admitted.
        identity: the scalar that the documents' ``_id`` is.
    """
    grammar = _Grammar(nullable_names(columns))
    fields = "".join(f"(?:, ?{field})?" for field in grammar.fields(columns))
    return rf'^\{{"{ID}": ?{WIRE_SCALARS[identity].pattern}{fields}\}}\n$'


def nullable_names(columns: Struct) -> frozenset[str]:
    """The fields that may hold an explicit null: their text is found by the name alone, which no other field has."""
    names = Counter(_names(columns))
    return frozenset(name for name in _names_outside_lists(columns) if names[name] == 1)


def null_text(name: str) -> str:
    """How a text says that a field is null."""
    return f'"{name}": null'


def schema_of(columns: Struct, identity: Scalar) -> pa.Schema:
    """How the parser reads the documents that the pattern admits."""
    fields = [pa.field(name, wire) for name, child in columns.fields.items() if (wire := wire_type(child)) is not None]
    return pa.schema([pa.field(ID, WIRE_SCALARS[identity].type), *fields])


def wire_type(column: ColumnType) -> pa.DataType | None:
    """How the parser reads a column; None when texts that hold it are never admitted."""
    match column:
        case ListOf(element):
            inner = wire_type(element)
            return None if inner is None else pa.list_(inner)
        case Struct(fields):
            inner_fields = [(name, wire) for name, child in fields.items() if (wire := wire_type(child)) is not None]
            return pa.struct(inner_fields) if inner_fields else None
        case MapOf() | Scalar.JSON:
            return None
        case scalar:
            return WIRE_SCALARS[scalar].type


class _Grammar:
    def __init__(self, nullable: frozenset[str]) -> None:
        self._nullable = nullable

    def fields(self, columns: Struct) -> list[str]:
        return [
            self._field(name, pattern)
            for name, child in columns.fields.items()
            if (pattern := self._value(child)) is not None
        ]

    def _field(self, name: str, value: str) -> str:
        start = f'"{re.escape(name)}":'
        return f"{start}(?: ?{value}| null)" if name in self._nullable else f"{start} ?{value}"

    def _value(self, column: ColumnType) -> str | None:
        match column:
            case ListOf(element):
                inner = self._value(element)
                return None if inner is None else rf"\[(?:(?:{inner}|null)(?:, ?(?:{inner}|null))*)?\]"
            case Struct():
                fields = [f"(?:{field}(?:, ?)?)?" for field in self.fields(column)]
                return rf"\{{{''.join(fields)}\}}" if fields else None
            case MapOf() | Scalar.JSON:
                return None
            case scalar:
                return WIRE_SCALARS[scalar].pattern


def _names(column: ColumnType) -> Iterator[str]:
    match column:
        case Struct(fields):
            for name, child in fields.items():
                yield name
                yield from _names(child)
        case ListOf(inner) | MapOf(inner):
            yield from _names(inner)


def _names_outside_lists(columns: Struct) -> Iterator[str]:
    for name, child in columns.fields.items():
        yield name
        if isinstance(child, Struct):
            yield from _names_outside_lists(child)


_FIRST = re.compile(rb'\{"_id": ?(?:(\{"\$oid")|(\{"\$numberLong")|(\{"\$binary")|(")|(-?[0-9]))')
_IDENTITIES = (Scalar.OBJECT_ID, Scalar.INT64, Scalar.UUID, Scalar.STRING, Scalar.INT32)


def identity_scalar(text: bytes) -> Scalar | None:
    """The scalar that the ``_id`` of a document is, if it is one that whole columns can be read of."""
    found = _FIRST.match(text)
    return _IDENTITIES[found.lastindex - 1] if found and found.lastindex else None
