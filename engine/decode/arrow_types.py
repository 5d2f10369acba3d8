"""Column types as Arrow types and back.

Where two column types share an Arrow type, field metadata tells them apart. Delta keeps the metadata of
struct fields, nested ones too, but has none for list elements and map values: so the nearest field above them
carries the whole type.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from engine.errors import LakeError
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct, format_type, parse_type

TYPE_KEY = b"oplake.type"
DECIMAL = pa.decimal128(38, 10)
_ARROW: Mapping[Scalar, pa.DataType] = MappingProxyType(
    {
        Scalar.STRING: pa.string(),
        Scalar.OBJECT_ID: pa.string(),
        Scalar.UUID: pa.string(),
        Scalar.JSON: pa.string(),
        Scalar.INT32: pa.int32(),
        Scalar.INT64: pa.int64(),
        Scalar.DOUBLE: pa.float64(),
        Scalar.DECIMAL: DECIMAL,
        Scalar.BOOL: pa.bool_(),
        Scalar.DATE: pa.timestamp("us", tz="UTC"),
        Scalar.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        Scalar.BINARY: pa.binary(),
    }
)
_MARKED = frozenset({Scalar.OBJECT_ID, Scalar.UUID, Scalar.JSON, Scalar.TIMESTAMP})
"""Scalars that share their Arrow type with another, plainer one."""


def arrow_type(column: ColumnType) -> pa.DataType:
    """The Arrow type of a column (Delta's names inside: ``element``, ``key``, ``value``)."""
    match column:
        case ListOf(element):
            return pa.list_(_inner_field("element", element))
        case MapOf(value):
            return pa.map_(pa.string(), _inner_field("value", value))
        case Struct(fields):
            return pa.struct([arrow_field(name, child) for name, child in fields.items()])
        case scalar:
            return _ARROW[scalar]


def arrow_field(name: str, column: ColumnType) -> pa.Field:
    """A column as an Arrow field that ``column_of`` can read back."""
    mark = _mark(column)
    return pa.field(name, arrow_type(column), metadata={TYPE_KEY: mark.encode()} if mark else None)


def arrow_schema(columns: Struct) -> pa.Schema:
    """A document's columns, in order."""
    return pa.schema([arrow_field(name, child) for name, child in columns.fields.items()])


def column_of(field: pa.Field) -> ColumnType:
    """The column type of an Arrow field that came back from Delta.

    Raises:
        LakeError: the type is none that oplake writes (somebody altered the table).
    """
    mark = (field.metadata or {}).get(TYPE_KEY)
    return parse_type(mark.decode()) if mark else _column_of_type(field.type, field.name)


def _column_of_type(data_type: pa.DataType, name: str) -> ColumnType:
    if pa.types.is_struct(data_type):
        return Struct({child.name: column_of(child) for child in data_type})
    if pa.types.is_list(data_type) or pa.types.is_large_list(data_type) or pa.types.is_list_view(data_type):
        return ListOf(column_of(data_type.value_field))
    if pa.types.is_map(data_type):
        return MapOf(column_of(data_type.item_field))
    for recognises, scalar in _SCALARS:
        if recognises(data_type):
            return scalar
    raise LakeError(
        f"column {name!r} has the type {data_type}, which oplake never writes",
        remedy="restore the table's schema, or recreate the table with `oplake apply --allow-replace`",
    )


_SCALARS = (
    (
        lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t),
        Scalar.STRING,
    ),
    (pa.types.is_int32, Scalar.INT32),
    (pa.types.is_int64, Scalar.INT64),
    (pa.types.is_float64, Scalar.DOUBLE),
    (lambda t: t == DECIMAL, Scalar.DECIMAL),
    (pa.types.is_boolean, Scalar.BOOL),
    (pa.types.is_timestamp, Scalar.DATE),
    (
        lambda t: pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_binary_view(t),
        Scalar.BINARY,
    ),
)


def _inner_field(name: str, column: ColumnType) -> pa.Field:
    return pa.field(name, arrow_type(column))


def _mark(column: ColumnType) -> str | None:
    """The type's text when its leaf, below lists and maps only, is a scalar that Arrow alone cannot tell."""
    leaf: ColumnType = column
    while isinstance(leaf, ListOf | MapOf):
        leaf = leaf.element if isinstance(leaf, ListOf) else leaf.value
    return format_type(column) if isinstance(leaf, Scalar) and leaf in _MARKED else None
