"""Arrow values as text, column by column: plain for CSV and tables, or as JSON.

| type | plain | JSON |
|---|---|---|
| text | itself | string |
| integers, decimals without a fraction | digits | number |
| other decimals | digits, all places | string: many readers would make it a double |
| double, float | shortest text that reads back the same; NaN, Infinity, -Infinity | number; those three as strings |
| bool | true, false | true, false |
| date, time, timestamp | ISO 8601; with a zone in UTC with Z | string |
| interval | ISO 8601 duration | string |
| binary | base64 | string |
| struct, map, list | JSON | object, object, array |
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import QueryError
from engine.query.moments import date_text, interval_text, time_text, timestamp_text

Texts: TypeAlias = list[str | None]
"""One text a row; None where the value is null."""

_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def plain_texts(column: pa.Array) -> Texts:
    """Each value as text; nested values as JSON.

    Raises:
        QueryError: the type has no text (union, for one).
    """
    if pa.types.is_nested(column.type):
        return _nested(column)
    return _scalars(column)[0]


def json_texts(column: pa.Array) -> list[str]:
    """Each value as JSON; null is ``null``.

    Raises:
        QueryError: the type has no JSON.
    """
    if pa.types.is_nested(column.type):
        return ["null" if text is None else text for text in _nested(column)]
    texts, is_quoted = _scalars(column)
    if is_quoted:
        return ["null" if text is None else json.dumps(text, ensure_ascii=False) for text in texts]
    names = {name: f'"{name}"' for name in _NOT_FINITE.values()}
    return ["null" if text is None else names.get(text, text) for text in texts]


def _scalars(column: pa.Array) -> tuple[Texts, bool]:
    """The texts, and whether JSON puts them in quotes."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _scalars(column.dictionary_decode())
    if pa.types.is_integer(kind) or pa.types.is_null(kind):
        return _each(column, str), False
    if pa.types.is_boolean(kind):
        return _each(column, lambda value: "true" if value else "false"), False
    if pa.types.is_decimal(kind):
        return _each(column, lambda value: format(value, "f")), kind.scale > 0
    if pa.types.is_floating(kind):
        return _each(column, _double_text if kind.bit_width == pa.float64().bit_width else _float_text), False
    return _each(*_quoted_scalars(column)), True


def _quoted_scalars(column: pa.Array) -> tuple[pa.Array, Callable[..., str]]:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return column, str
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or kind == pa.binary_view():
        return column, lambda value: base64.b64encode(value).decode()
    if pa.types.is_date32(kind):
        return column.cast(pa.int32()), date_text
    if pa.types.is_timestamp(kind):
        unit, zone = kind.unit, "" if kind.tz is None else "Z"
        return column.cast(pa.int64()), lambda value: timestamp_text(value, unit) + zone
    if pa.types.is_time64(kind):
        unit = kind.unit
        return column.cast(pa.int64()), lambda value: time_text(value, unit)
    if kind == pa.month_day_nano_interval():
        return column, lambda value: interval_text(*value)
    raise QueryError(f"a column of type {kind} cannot be written as text", remedy="cast it: CAST(column AS VARCHAR)")


def _nested(column: pa.Array) -> Texts:
    """Structs, maps and lists as JSON."""
    kind = column.type
    if pa.types.is_struct(kind):
        return _structs(column)
    if pa.types.is_map(kind):
        keys, items = plain_texts(column.keys), json_texts(column.items)
        members = [f"{json.dumps(key, ensure_ascii=False)}: {item}" for key, item in zip(keys, items, strict=True)]
        return _ranges(column, members, "{", "}")
    if pa.types.is_fixed_size_list(kind):
        return _nested(column.cast(pa.list_(kind.value_type)))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _ranges(column, json_texts(column.values), "[", "]")
    raise QueryError(f"a column of type {kind} cannot be written as text", remedy="cast it: CAST(column AS VARCHAR)")


def _structs(column: pa.StructArray) -> Texts:
    names = [json.dumps(field.name, ensure_ascii=False) for field in column.type]
    children = [json_texts(child) for child in column.flatten()]
    rows = zip(*children, strict=True) if children else (() for _ in range(len(column)))
    texts = ("{" + ", ".join(f"{name}: {value}" for name, value in zip(names, row, strict=True)) + "}" for row in rows)
    return [text if valid else None for text, valid in zip(texts, _validity(column), strict=True)]


def _ranges(column: pa.Array, members: list[str], opening: str, closing: str) -> Texts:
    """Rows of lists or maps from the texts of all their members; ``offsets`` count from the first member."""
    offsets = column.offsets.to_pylist()
    return [
        opening + ", ".join(members[start:end]) + closing if valid else None
        for start, end, valid in zip(offsets[:-1], offsets[1:], _validity(column), strict=True)
    ]


def _validity(column: pa.Array) -> list[bool]:
    return pc.is_valid(column).to_pylist()  # type: ignore[no-any-return]


def _each(column: pa.Array, text: Callable[..., str]) -> Texts:
    return [None if value is None else text(value) for value in column.to_pylist()]


def _double_text(value: float) -> str:
    text = repr(value)
    return _NOT_FINITE.get(text, text)


def _float_text(value: float) -> str:
    text = str(np.float32(value))
    return _NOT_FINITE.get(text, text)
