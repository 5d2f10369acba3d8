"""A slow reader and writer of BSON that keeps what PyMongo's own bends: symbol, undefined, dbPointer.

Source: the BSON specification 1.1 (element types 0x06, 0x0C, 0x0E). Values of every other type are left to
PyMongo, one element at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import bson
from bson import ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import InvalidBSON, InvalidDocument

from engine.decode.values import BsonValue, DBPointer, Document, Symbol, Undefined

CODEC: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
"""Dates inside year 1..9999 decode to naive UTC ``datetime``, others to ``DatetimeMS``."""

_LENGTH = struct.Struct("<i")
_DOCUMENT, _ARRAY, _BINARY, _UNDEFINED, _REGEX, _DBPOINTER, _SYMBOL = 3, 4, 5, 6, 11, 12, 14
_FIXED_SIZES = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 255: 0, 127: 0}
_NESTED_START = 6
"""Where the document begins inside ``{"": document}``. Nested, because PyMongo moves a top-level ``_id``."""
_STRING_LIKE = {2, 13, 14}
_SELF_SIZED = {_DOCUMENT, _ARRAY, 15}
_OBJECT_ID_SIZE = 12


def read_exactly(source: bytes) -> Document:
    """Decode one whole document.

    Raises:
        InvalidBSON: the bytes are not a BSON document, or hold text that is not UTF-8.
        RecursionError: it is nested deeper than Python can follow.
    """
    return dict(_read_elements(source))


def write_exactly(document: Document) -> bytes:
    """Encode what ``read_exactly`` decoded."""
    try:
        return bson.encode({"": document}, codec_options=CODEC)[_NESTED_START:-1]
    except InvalidDocument:  # holds a value that only this module knows
        return write_fields(document.items())


def write_fields(fields: Iterable[tuple[str, BsonValue]]) -> bytes:
    """Encode a document from its fields, whose names may come again."""
    body = b"".join(_write_element(name, value) for name, value in fields)
    return _LENGTH.pack(len(body) + 5) + body + b"\0"


def _read_elements(source: bytes) -> list[tuple[str, BsonValue]]:
    elements = []
    at, end = _LENGTH.size, len(source) - 1
    while at < end:
        kind = source[at]
        name_end = _end_of_text(source, at + 1)
        name = _text(source[at + 1 : name_end])
        start = name_end + 1
        size = size_of_value(kind, source, start)
        elements.append((name, _read_value(kind, source[at : start + size], source[start : start + size])))
        at = start + size
    return elements


def size_of_value(kind: int, source: bytes, start: int) -> int:
    """How many bytes the value of an element says it has; it may be wrong, or reach over the end of the source.

    Args:
        kind: the element's type.
        source: bytes that hold it.
        start: where the value begins.

    Raises:
        InvalidBSON: there is no such type, its length is negative, or the source ends too early.
    """
    if kind in _FIXED_SIZES:
        return _FIXED_SIZES[kind]
    if kind == _REGEX:
        return _end_of_text(source, _end_of_text(source, start) + 1) + 1 - start
    if start + _LENGTH.size > len(source):
        raise InvalidBSON("the document ends inside an element")
    (length,) = _LENGTH.unpack_from(source, start)
    if length < 0:
        raise InvalidBSON("an element has a negative length")
    if kind in _SELF_SIZED:
        return int(length)
    if kind == _BINARY:
        return int(length) + 5
    if kind == _DBPOINTER:
        return int(length) + 4 + _OBJECT_ID_SIZE
    if kind in _STRING_LIKE:
        return int(length) + 4
    raise InvalidBSON(f"unknown element type {kind:#04x}")


def _end_of_text(source: bytes, start: int) -> int:
    end = source.find(b"\0", start)
    if end < 0:
        raise InvalidBSON("the document ends inside a text")
    return end


def _read_value(kind: int, element: bytes, value: bytes) -> BsonValue:
    if kind == _DOCUMENT:
        return read_exactly(value)
    if kind == _ARRAY:
        return [item for _, item in _read_elements(value)]
    if kind == _UNDEFINED:
        return Undefined()
    if kind == _SYMBOL:
        return Symbol(_text(value[4:-1]))
    if kind == _DBPOINTER:
        return DBPointer(_text(value[4 : -_OBJECT_ID_SIZE - 1]), ObjectId(value[-_OBJECT_ID_SIZE:]))
    document = _LENGTH.pack(len(element) + 5) + element + b"\0"
    (decoded,) = bson.decode(document, CODEC).values()
    return decoded


def _text(utf8: bytes) -> str:
    try:
        return utf8.decode()
    except UnicodeDecodeError as error:
        raise InvalidBSON(f"a string is not UTF-8: {error.reason}") from error


def _write_element(name: str, value: BsonValue) -> bytes:
    head = name.encode() + b"\0"
    if isinstance(value, dict):
        return bytes([_DOCUMENT]) + head + write_exactly(value)
    if isinstance(value, list):
        return bytes([_ARRAY]) + head + write_exactly({str(i): item for i, item in enumerate(value)})
    if isinstance(value, Undefined):
        return bytes([_UNDEFINED]) + head
    if isinstance(value, Symbol):
        return bytes([_SYMBOL]) + head + _string(value.name)
    if isinstance(value, DBPointer):
        return bytes([_DBPOINTER]) + head + _string(value.namespace) + value.id.binary
    single: dict[str, Any] = {name: value}
    return bson.encode(single, codec_options=CODEC)[_LENGTH.size : -1]


def _string(text: str) -> bytes:
    utf8 = text.encode()
    return _LENGTH.pack(len(utf8) + 1) + utf8 + b"\0"
