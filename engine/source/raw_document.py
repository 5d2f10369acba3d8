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
_NAME_START, _ID_START = 5, 9
_FIXED_SIZES = {1: 8, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 255: 0, 127: 0}
_STRING, _DOCUMENT, _BINARY = 2, 3, 5


def split_documents(content: bytes) -> Iterator[bytes]:
    """The documents of bytes that hold one after the other."""
    at = 0
    while at < len(content):
        (size,) = _LENGTH.unpack_from(content, at)
        yield content[at : at + size]
        at += size


def key_of(document: bytes) -> bytes:
    """``{"_id": ...}`` of a document, both as BSON."""
    if document[_NAME_START:_ID_START] == _ID_NAME:
        size = _value_size(document)
        if size is not None:
            element = document[4 : _ID_START + size]
            return _LENGTH.pack(len(element) + 5) + element + b"\0"
    return bson.encode({"_id": RawBSONDocument(document, RAW).get("_id")})


def _value_size(document: bytes) -> int | None:
    kind = document[4]
    if kind in _FIXED_SIZES:
        return _FIXED_SIZES[kind]
    if kind not in (_STRING, _DOCUMENT, _BINARY):
        return None
    (length,) = _LENGTH.unpack_from(document, _ID_START)
    return int(length) + {_STRING: 4, _DOCUMENT: 0, _BINARY: 5}[kind]
