"""A row becomes the document it was made from, byte for byte: the inverse of ``decoder``.

Used by tests, by reconciliation, and by whoever wants a document back from the lake.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bson import Binary, ObjectId, Timestamp
from bson.int64 import Int64

from engine.decode import extended_json
from engine.decode.bson_documents import decode_documents
from engine.decode.exact_bson import write_exactly
from engine.decode.identity import identity_value
from engine.decode.narrowed import WAS, as_they_were
from engine.decode.rescue import ORDER, RAW, ROOT, TEXT, read_notes, split_path
from engine.decode.scalars import decimal_value
from engine.decode.values import BsonValue, Document
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

Row = Mapping[str, Any]
"""A row of any of the three tables, as ``pyarrow.Table.to_pylist`` gives it."""


def rebuild(row: Row, columns: Struct) -> Document:
    """The document of one row (of a repeated field name, only the last value; of an unreadable text, the ``_id``)."""
    notes = read_notes(row["_rescued"])
    if RAW in notes:
        return decode_documents([base64.b64decode(notes[RAW])]).documents[0]
    notes.pop(TEXT, None)
    orders = notes.pop(ORDER, {})
    columns = as_they_were(columns, notes.pop(WAS, {}))
    document: Document = {"_id": identity_value(row["_id"]), **_fields(row, columns)}
    touched: dict[tuple[str, ...], None] = {}
    for path, data in notes.items():
        *parents, name = split_path(path)
        parent = _descend(document, parents)
        if isinstance(parent, list):
            parent[int(name)] = extended_json.decode(data)
        else:
            parent[name] = extended_json.decode(data)
            touched[tuple(parents)] = None
    for above in touched:
        _arrange(_descend(document, above), _column_names(columns, above))
    for path, names in orders.items():
        _arrange(_descend(document, [] if path == ROOT else split_path(path)), names)
    return document


def rebuild_bytes(row: Row, columns: Struct) -> bytes:
    """The document of one row as BSON, byte for byte as the source sent it (masks aside)."""
    notes = read_notes(row["_rescued"])
    if RAW in notes:
        return base64.b64decode(notes[RAW])
    return write_exactly(rebuild(row, columns))


def rebuild_key(row: Row) -> bytes:
    """``{"_id": ...}`` of the document of one row as BSON, byte for byte, from ``_id`` and ``_rescued`` alone."""
    notes = read_notes(row["_rescued"])
    exact = extended_json.decode(notes["_id"]) if "_id" in notes else identity_value(row["_id"])
    return write_exactly({"_id": exact})


def _fields(values: Row, columns: Struct) -> Document:
    """The fields that are there; a null column is a missing field, or one that a note puts back."""
    return {
        name: _value(values[name], column) for name, column in columns.fields.items() if values.get(name) is not None
    }


def _value(value: Any, column: ColumnType) -> BsonValue:  # noqa: ANN401 - whatever Arrow holds
    if value is None:
        return None
    match column:
        case Struct():
            return _fields(value, column)
        case ListOf(element):
            return [_value(item, element) for item in value]
        case MapOf(inner):
            return {name: _value(item, inner) for name, item in value}
        case scalar:
            return _SCALARS[scalar](value)


_SCALARS: Mapping[Scalar, Any] = MappingProxyType(
    {
        Scalar.STRING: str,
        Scalar.OBJECT_ID: ObjectId,
        Scalar.UUID: lambda text: Binary(uuid.UUID(text).bytes, 4),
        Scalar.INT32: int,
        Scalar.INT64: Int64,
        Scalar.DOUBLE: float,
        Scalar.DECIMAL: decimal_value,
        Scalar.BOOL: bool,
        Scalar.DATE: lambda instant: instant.replace(tzinfo=None),
        Scalar.TIMESTAMP: lambda instant: Timestamp(round(instant.timestamp()), 0),
        Scalar.BINARY: bytes,
        Scalar.JSON: extended_json.loads,
    }
)


def _descend(document: BsonValue, names: Sequence[str]) -> BsonValue:
    for name in names:
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def _column_names(columns: ColumnType, names: Sequence[str]) -> list[str]:
    """The fields of the struct at a path, in column order; none for a map, whose order is its own."""
    at_top = not names
    for name in names:
        if isinstance(columns, ListOf):
            columns = columns.element
        elif isinstance(columns, MapOf):
            columns = columns.value
        elif isinstance(columns, Struct):
            columns = columns.fields[name]
    fields = list(columns.fields) if isinstance(columns, Struct) else []
    return ["_id", *fields] if at_top else fields


def _arrange(document: Document, names: Sequence[str]) -> None:
    """Put a document's fields into this order, others after them as they stand."""
    order = [name for name in names if name in document]
    fields = {name: document[name] for name in dict.fromkeys([*order, *document])}
    document.clear()
    document.update(fields)
