"""Canonical extended JSON (MongoDB Extended JSON v2): every BSON value as text, and back, exactly.

A user's own document such as ``{"$oid": 1}`` looks like a wrapper; so does any document whose first key
starts with ``$`` or ``\\``. ``encode`` wraps such a document as ``{"\\bson": "<base64 of {"": document}>"}``.
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeAlias

from bson import Binary, Code, DBRef, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

from engine.decode.exact_bson import read_exactly, write_exactly
from engine.decode.values import BsonValue, DBPointer, Symbol, Undefined

Json: TypeAlias = Any
"""What ``json.loads`` gives: dict, list, str, int, float, bool or None."""

RAW = "\\bson"
_DOUBLE = struct.Struct("<d")
_PLAIN_NAN = _DOUBLE.pack(math.nan)
_REGEX_FLAGS = {"i": re.I, "l": re.L, "m": re.M, "s": re.S, "u": re.U, "x": re.X}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - PyMongo's decoded dates are naive UTC
_MILLISECOND = timedelta(milliseconds=1)
_MIN_DATE_MS = -62135596800000
_MAX_DATE_MS = 253402300799999


def dumps(value: BsonValue) -> str:
    """The canonical text of a value, on one line."""
    return json.dumps(encode(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def loads(text: str) -> BsonValue:
    """The value of a canonical text."""
    return decode(json.loads(text))


def encode(value: BsonValue) -> Json:
    """A value as JSON data; nested deeper than Python can follow, as its bytes."""
    try:
        return _encode(value)
    except RecursionError:
        return _raw(value)


def _encode(value: BsonValue) -> Json:
    if type(value) is list:
        items = []
        for item in value:  # a comprehension would take a second stack frame at each level
            items.append(_encode(item))  # noqa: PERF401
        return items
    if type(value) is dict and next(iter(value), "")[:1] not in ("$", "\\"):
        fields = {}
        for name, item in value.items():
            fields[name] = _encode(item)
        return fields
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        raise TypeError(f"{type(value).__name__} is not a BSON value")
    return encoder(value)


def decode(data: Json) -> BsonValue:
    """JSON data as ``encode`` made it, as a value."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    first = next(iter(data), "")
    decoder = _DECODERS.get(first)
    if decoder is not None:
        return decoder(data)
    return {name: decode(item) for name, item in data.items()}


def date_ms(value: datetime | DatetimeMS) -> int:
    """Milliseconds since the Unix epoch."""
    if isinstance(value, DatetimeMS):
        return int(value)
    return (value - _EPOCH) // _MILLISECOND


def date_of(ms: int) -> datetime | DatetimeMS:
    """The date as PyMongo decodes it: naive UTC inside year 1..9999, ``DatetimeMS`` outside."""
    if _MIN_DATE_MS <= ms <= _MAX_DATE_MS:
        return _EPOCH + ms * _MILLISECOND
    return DatetimeMS(ms)


def regex_options(value: Regex[Any]) -> str:
    """The option letters in MongoDB's order."""
    return "".join(letter for letter, flag in _REGEX_FLAGS.items() if value.flags & flag)


def aware(value: datetime) -> datetime:
    """The same instant with its zone, UTC."""
    return value.replace(tzinfo=UTC)


def _raw(value: BsonValue) -> Json:
    return {RAW: base64.b64encode(write_exactly({"": value})).decode()}


def _encode_double(value: float) -> Json:
    if math.isfinite(value):
        return {"$numberDouble": repr(value)}
    if not math.isnan(value):
        return {"$numberDouble": "Infinity" if value > 0 else "-Infinity"}
    return {"$numberDouble": "NaN"} if _DOUBLE.pack(value) == _PLAIN_NAN else _raw(value)


def _encode_decimal(value: Decimal128) -> Json:
    """Several bit patterns of a Decimal128 print alike; only the canonical one comes back from its text."""
    text = str(value)
    return {"$numberDecimal": text} if Decimal128(text).bid == value.bid else _raw(value)


def _encode_binary(value: bytes) -> Json:
    subtype = value.subtype if isinstance(value, Binary) else 0
    return {"$binary": {"base64": base64.b64encode(value).decode(), "subType": f"{subtype:02x}"}}


def _encode_code(value: Code) -> Json:
    if value.scope is None:
        return {"$code": str(value)}
    return {"$code": str(value), "$scope": _encode(dict(value.scope))}


def _encode_regex(value: Regex[Any]) -> Json:
    return {"$regularExpression": {"pattern": value.pattern, "options": regex_options(value)}}


_ENCODERS: Mapping[type, Callable[[Any], Json]] = MappingProxyType(
    {
        type(None): lambda value: value,
        bool: lambda value: value,
        str: lambda value: value,
        dict: _raw,
        int: lambda value: {"$numberInt": str(value)},
        Int64: lambda value: {"$numberLong": str(int(value))},
        float: _encode_double,
        Decimal128: _encode_decimal,
        ObjectId: lambda value: {"$oid": str(value)},
        datetime: lambda value: {"$date": {"$numberLong": str(date_ms(value))}},
        DatetimeMS: lambda value: {"$date": {"$numberLong": str(int(value))}},
        Timestamp: lambda value: {"$timestamp": {"t": value.time, "i": value.inc}},
        bytes: _encode_binary,
        Binary: _encode_binary,
        Regex: _encode_regex,
        Code: _encode_code,
        Symbol: lambda value: {"$symbol": value.name},
        DBPointer: lambda value: {"$dbPointer": {"$ref": value.namespace, "$id": {"$oid": str(value.id)}}},
        DBRef: lambda value: _raw(dict(value.as_doc())),
        Undefined: lambda _: {"$undefined": True},
        MinKey: lambda _: {"$minKey": 1},
        MaxKey: lambda _: {"$maxKey": 1},
    }
)


def _decode_binary(data: Json) -> BsonValue:
    content = base64.b64decode(data["$binary"]["base64"])
    subtype = int(data["$binary"]["subType"], 16)
    return Binary(content, subtype) if subtype else content


def _decode_code(data: Json) -> BsonValue:
    return Code(data["$code"], decode(data["$scope"]) if "$scope" in data else None)


def _decode_regex(data: Json) -> BsonValue:
    return Regex(data["$regularExpression"]["pattern"], data["$regularExpression"]["options"])


def _decode_pointer(data: Json) -> BsonValue:
    return DBPointer(data["$dbPointer"]["$ref"], ObjectId(data["$dbPointer"]["$id"]["$oid"]))


_DECODERS: Mapping[str, Callable[[Any], BsonValue]] = MappingProxyType(
    {
        "$numberInt": lambda data: int(data["$numberInt"]),
        "$numberLong": lambda data: Int64(data["$numberLong"]),
        "$numberDouble": lambda data: float(data["$numberDouble"]),
        "$numberDecimal": lambda data: Decimal128(data["$numberDecimal"]),
        "$oid": lambda data: ObjectId(data["$oid"]),
        "$date": lambda data: date_of(int(data["$date"]["$numberLong"])),
        "$timestamp": lambda data: Timestamp(data["$timestamp"]["t"], data["$timestamp"]["i"]),
        "$binary": _decode_binary,
        "$regularExpression": _decode_regex,
        "$code": _decode_code,
        "$symbol": lambda data: Symbol(data["$symbol"]),
        "$dbPointer": _decode_pointer,
        "$undefined": lambda _: Undefined(),
        "$minKey": lambda _: MinKey(),
        "$maxKey": lambda _: MaxKey(),
        RAW: lambda data: read_exactly(base64.b64decode(data[RAW]))[""],
    }
)
