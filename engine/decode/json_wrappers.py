"""Extended JSON wrappers, such as ``{"$oid": ...}``, as the values they stand for: legacy strict mode, and v2.

A wrapper is read as one only when it is just what a writer of either form makes of a value. Anything else that
begins with a dollar is a user's own document, and stays one.

Source: MongoDB Extended JSON v2 (canonical and relaxed), and the MongoDB Java driver's ``JsonMode.STRICT``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TypeAlias

from bson import Binary, Code, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.int64 import Int64

from engine.decode.extended_json import date_of, regex_options
from engine.decode.values import BsonValue, DBPointer, Document, Symbol, Undefined

Reader: TypeAlias = Callable[..., BsonValue]


class NotAWrapper(Exception):
    """The document only looks like a wrapper."""


def unwrapped(document: Document) -> BsonValue:
    """The value a document stands for; the document itself when it is no wrapper.

    Args:
        document: its own values are read already.
    """
    reader = _READERS.get(tuple(document))
    if reader is None:
        return document
    try:
        return reader(*document.values())
    except NotAWrapper:
        return document


def integer_of(text: str) -> int:
    """A bare integer: int32 where it fits, else int64.

    Raises:
        ValueError: it fits neither.
    """
    number = int(text)
    if -(2**31) <= number < 2**31:
        return number
    if -(2**63) <= number < 2**63:
        return Int64(number)
    raise ValueError("an integer of more than 64 bits")


_HEX_ID = re.compile(r"[0-9a-f]{24}")
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_DECIMAL = re.compile(r"NaN|-?(?:Infinity|[0-9]+(?:\.[0-9]+)?(?:E[+-]?[0-9]+)?)")
_DOUBLE = re.compile(r"NaN|-?(?:Infinity|[0-9]+(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?)")
_SUBTYPE = re.compile(r"[0-9a-f]{2}")
_RELAXED_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{3}))?Z")
_UINT32 = 2**32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _text(value: BsonValue, pattern: re.Pattern[str] | None = None) -> str:
    if type(value) is not str or (pattern is not None and not pattern.fullmatch(value)):
        raise NotAWrapper
    return value


def _object_id(value: BsonValue) -> ObjectId:
    return ObjectId(_text(value, _HEX_ID))


def _bounded(value: BsonValue, bits: int) -> int:
    number = int(_text(value, _INTEGER))
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise NotAWrapper
    return number


def _decimal(value: BsonValue) -> Decimal128:
    text = _text(value, _DECIMAL)
    try:
        return Decimal128(text)
    except ArithmeticError as error:
        raise NotAWrapper from error


def _date(value: BsonValue) -> BsonValue:
    """Legacy: bare milliseconds. Canonical: an int64, read already. Relaxed: ISO 8601."""
    if type(value) in (int, Int64):
        return date_of(int(value))
    parts = _RELAXED_DATE.fullmatch(_text(value))
    if parts is None:
        raise NotAWrapper
    try:
        seconds = (datetime.fromisoformat(parts[1]).replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
    except ValueError as error:
        raise NotAWrapper from error
    return date_of(seconds * 1000 + int(parts[2] or 0))


def _timestamp(value: BsonValue) -> Timestamp:
    if type(value) is not dict or tuple(value) != ("t", "i"):
        raise NotAWrapper
    if not all(type(part) in (int, Int64) and 0 <= part < _UINT32 for part in value.values()):
        raise NotAWrapper
    return Timestamp(int(value["t"]), int(value["i"]))


def _binary(content: BsonValue, subtype: BsonValue) -> bytes:
    text, kind = _text(content), int(_text(subtype, _SUBTYPE), 16)
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAWrapper from error
    if base64.b64encode(decoded).decode() != text:
        raise NotAWrapper
    return Binary(decoded, kind) if kind else decoded


def _binary_v2(value: BsonValue) -> bytes:
    if type(value) is not dict or tuple(value) != ("base64", "subType"):
        raise NotAWrapper
    return _binary(*value.values())


def _regex(pattern: BsonValue, options: BsonValue) -> Regex[str]:
    regex = Regex(_text(pattern), _text(options))
    if "\0" in pattern or regex_options(regex) != options:
        raise NotAWrapper
    return regex


def _regex_v2(value: BsonValue) -> Regex[str]:
    if type(value) is not dict or tuple(value) != ("pattern", "options"):
        raise NotAWrapper
    return _regex(*value.values())


def _code_with_scope(code: BsonValue, scope: BsonValue) -> Code:
    if type(scope) is not dict:
        raise NotAWrapper
    return Code(_text(code), scope)


def _pointer(value: BsonValue) -> DBPointer:
    if type(value) is not dict or tuple(value) != ("$ref", "$id") or type(value["$id"]) is not ObjectId:
        raise NotAWrapper
    return DBPointer(_text(value["$ref"]), value["$id"])


def _constant(expected: BsonValue, made: Callable[[], BsonValue]) -> Reader:
    def read(value: BsonValue) -> BsonValue:
        if type(value) is not type(expected) or value != expected:
            raise NotAWrapper
        return made()

    return read


_READERS: Mapping[tuple[str, ...], Reader] = MappingProxyType(
    {
        ("$oid",): _object_id,
        ("$numberInt",): lambda value: _bounded(value, 32),
        ("$numberLong",): lambda value: Int64(_bounded(value, 64)),
        ("$numberDouble",): lambda value: float(_text(value, _DOUBLE)),
        ("$numberDecimal",): _decimal,
        ("$date",): _date,
        ("$timestamp",): _timestamp,
        ("$binary", "$type"): _binary,
        ("$binary",): _binary_v2,
        ("$regex", "$options"): _regex,
        ("$regularExpression",): _regex_v2,
        ("$code",): lambda value: Code(_text(value)),
        ("$code", "$scope"): _code_with_scope,
        ("$symbol",): lambda value: Symbol(_text(value)),
        ("$dbPointer",): _pointer,
        ("$undefined",): _constant(True, Undefined),
        ("$minKey",): _constant(1, MinKey),
        ("$maxKey",): _constant(1, MaxKey),
    }
)
"""The field names of a wrapper, in order -> what reads its values."""
