"""Columns as JSON and back, for plans and journals; a struct's fields keep their order."""

from __future__ import annotations

from typing import cast

from engine.errors import PlanRefused
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct
from engine.state.canonical import Json


def columns_to_json(column: ColumnType) -> Json:
    """A scalar is its name; the rest are objects: ``{"struct": [[name, type], ...]}`` and so on."""
    match column:
        case ListOf(element):
            return {"list": columns_to_json(element)}
        case MapOf(value):
            return {"map": columns_to_json(value)}
        case Struct(fields):
            return {"struct": [[name, columns_to_json(child)] for name, child in fields.items()]}
        case scalar:
            return scalar.value


def columns_from_json(value: Json) -> ColumnType:
    """The inverse of ``columns_to_json``.

    Raises:
        PlanRefused: the JSON is not of that form.
    """
    match value:
        case str():
            return Scalar(value)
        case {"list": element}:
            return ListOf(columns_from_json(element))
        case {"map": inner}:
            return MapOf(columns_from_json(inner))
        case {"struct": list(pairs)}:
            return Struct({str(name): columns_from_json(child) for name, child in cast("list[list[Json]]", pairs)})
        case _:
            raise PlanRefused("the plan's columns cannot be read", remedy="make a new plan: oplake plan --out F")


def struct_from_json(value: Json) -> Struct:
    """As ``columns_from_json``, for the columns of a table.

    Raises:
        PlanRefused: the JSON is not a struct.
    """
    columns = columns_from_json(value)
    if not isinstance(columns, Struct):
        raise PlanRefused("the plan's columns are no table's", remedy="make a new plan: oplake plan --out F")
    return columns


def column_at(columns: Struct | None, path: str) -> ColumnType | None:
    """The type at a dotted path, through lists and maps as MongoDB's paths go; None when there is none."""
    found: ColumnType | None = columns
    for name in path.split("."):
        while isinstance(found, ListOf | MapOf):
            found = found.element if isinstance(found, ListOf) else found.value
        found = found.fields.get(name) if isinstance(found, Struct) else None
    return found
