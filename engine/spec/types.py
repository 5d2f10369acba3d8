"""The column types of a table, as a tree: what a BSON value may become and how it is written.

The names are MongoDB's own (``int32``, ``objectId``); ``docs/types.md`` holds the table that maps them
to Arrow and Delta.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Scalar(StrEnum):
    """A leaf type. ``json`` holds any BSON value as canonical extended JSON."""

    STRING = "string"
    OBJECT_ID = "objectId"
    UUID = "uuid"
    INT32 = "int32"
    INT64 = "int64"
    DOUBLE = "double"
    DECIMAL = "decimal128"
    BOOL = "bool"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BINARY = "binary"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A BSON array whose elements share one type."""

    element: ColumnType


@dataclass(frozen=True, slots=True)
class MapOf:
    """A BSON document whose keys are data: ``map<string, value>``."""

    value: ColumnType


@dataclass(frozen=True, slots=True)
class Struct:
    """A BSON document whose keys are fields, in column order."""

    fields: Mapping[str, ColumnType]


ColumnType: TypeAlias = "Scalar | ListOf | MapOf | Struct"

LIST_PREFIX = "list<"
MAP_PREFIX = "map<"


def parse_type(text: str) -> ColumnType:
    """Read a pinned type: a scalar name, ``list<T>`` or ``map<T>``.

    Raises:
        ValueError: the text names no type.
    """
    text = text.strip()
    if text.startswith(LIST_PREFIX) and text.endswith(">"):
        return ListOf(parse_type(text[len(LIST_PREFIX) : -1]))
    if text.startswith(MAP_PREFIX) and text.endswith(">"):
        return MapOf(parse_type(text[len(MAP_PREFIX) : -1]))
    return Scalar(text)


def format_type(column: ColumnType) -> str:
    """Write a type as ``parse_type`` reads it; structs as ``struct<name: T, ...>``."""
    match column:
        case ListOf(element):
            return f"list<{format_type(element)}>"
        case MapOf(value):
            return f"map<{format_type(value)}>"
        case Struct(fields):
            inner = ", ".join(f"{name}: {format_type(child)}" for name, child in fields.items())
            return f"struct<{inner}>"
        case scalar:
            return scalar.value
