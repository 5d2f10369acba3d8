"""Cutting raw BSON without decoding it: documents out of a server's batch, the ``_id`` out of a document."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

RAW: CodecOptions[RawBSONDocument] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_MS
)
"""Documents stay bytes; dates are milliseconds, since a date need not fit Python's."""

_LENGTH = struct.Struct("<i")
_ID_NAME = b"_id\0"
_FIRST_ELEMENT = 4
_FIXED_SIZES = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 255: 0, 127: 0}
_SIZES_BESIDE_LENGTH = {2: 4, 3: 0, 4: 0, 5: 5, 12: 16, 13: 4, 14: 4, 15: 0}
"""BSON type -> bytes of a value that its length, which comes first, does not count."""
_REGEX = 11


def split_documents(content: bytes) -> Iterator[bytes]:
    """The documents of bytes that hold one after the other."""
    at = 0
    while at < len(content):
        (size,) = _LENGTH.unpack_from(content, at)
        yield content[at : at + size]
        at += size


def key_of(document: bytes) -> bytes:
    """``{"_id": ...}`` of a document, both as BSON; the value is copied, not decoded."""
    at = _FIRST_ELEMENT
    while not document.startswith(_ID_NAME, at + 1):
        if document[at] == 0:
            return bson.encode({"_id": None})
        at = _end_of_element(document, at)
    element = document[at : _end_of_element(document, at)]
    return _LENGTH.pack(len(element) + 5) + element + b"\0"


def _end_of_element(document: bytes, at: int) -> int:
    """Where the element that begins there, with its type and name, ends."""
    kind, value = document[at], document.index(0, at + 1) + 1
    fixed = _FIXED_SIZES.get(kind)
    if fixed is not None:
        return value + fixed
    if kind == _REGEX:
        return document.index(0, document.index(0, value) + 1) + 1
    (length,) = _LENGTH.unpack_from(document, value)
    return value + int(length) + _SIZES_BESIDE_LENGTH[kind]
