"""How each scalar column's values stand in BSON, and how a whole column of them is read.

A reading says which values are *odd*: of the column's own BSON type, and yet nothing that its column holds without a
further look; and which are *broken*: no encoder writes them, so their documents keep their bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.decode import bson_walk
from engine.decode.arrow_types import arrow_type
from engine.decode.bson_bytes import BsonBytes, Mask, Places
from engine.decode.bson_decimals import decimals
from engine.spec.types import Scalar

_FIRST_DATE_MS, _LAST_DATE_MS = -62_135_596_800_000, 253_402_300_799_999
"""Years 1 and 9999: what a datetime holds."""
_SIZE_OF_STRING, _SIZE_OF_BINARY = 4, 5
"""Bytes before the content."""
_PLAIN_SUBTYPE, _UUID_SUBTYPE, _UUID_SIZE = 0, 4, 16
_NAN = np.uint64(0x7FF8_0000_0000_0000)
_SIGN = np.uint64(1 << 63)
_HEX = np.frombuffer(b"".join(b"%02x" % value for value in range(256)), "<u2")
"""A byte -> its two hexadecimal digits."""
_DASHES = (8, 13, 18, 23)
_DIGITS = np.array([place for place in range(36) if place not in _DASHES])
"""Places of a UUID's text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A column of values, one after the other."""

    array: pa.Array
    odd: Mask | None = None
    broken: Mask | None = None


ReadValues: TypeAlias = Callable[[BsonBytes, Places, Places], Reading]
"""A buffer, where the values start, and where they end."""


@dataclass(frozen=True, slots=True)
class BsonScalar:
    """A scalar in BSON."""

    kind: int
    read: ReadValues


def array_of(values: NDArray[Any], data_type: pa.DataType) -> pa.Array:
    """Numbers as Arrow has them: the same bytes, no nulls."""
    return pa.Array.from_buffers(data_type, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def hexadecimal(values: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """Values of ``size`` bytes as digits: (n, 2 * size)."""
    return _HEX[values.view(np.uint8)].view(np.uint8).reshape(len(values), 2 * size)


def texts_of_length(texts: NDArray[np.uint8]) -> pa.Array:
    """Texts of one length, (n, length), as a string column."""
    count, length = texts.shape
    offsets = np.arange(0, (count + 1) * length, length, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(texts))]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def _strings(source: BsonBytes, at: Places, end: Places) -> Reading:
    content = source.slices(at + _SIZE_OF_STRING, end - 1)
    try:
        return Reading(content.cast(pa.string()))
    except pa.ArrowInvalid:
        broken = np.array([not _is_utf8(value) for value in content.to_pylist()])
        whole = [None if is_broken else value for is_broken, value in zip(broken, content.to_pylist(), strict=True)]
        return Reading(pa.array(whole, pa.binary()).cast(pa.string()), broken=broken)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _object_ids(source: BsonBytes, at: Places, _: Places) -> Reading:
    return Reading(texts_of_length(hexadecimal(source.fixed(at, 12), 12)))


def _int32s(source: BsonBytes, at: Places, _: Places) -> Reading:
    return Reading(array_of(source.fixed(at, 4), arrow_type(Scalar.INT32)))


def _int64s(source: BsonBytes, at: Places, _: Places) -> Reading:
    return Reading(array_of(source.fixed(at, 8), arrow_type(Scalar.INT64)))


def _doubles(source: BsonBytes, at: Places, _: Places) -> Reading:
    values = source.fixed(at, 8)
    array = array_of(values, arrow_type(Scalar.DOUBLE))
    is_nan = np.isnan(values.view("<f8"))
    if not is_nan.any():
        return Reading(array)
    return Reading(array, broken=is_nan & ((values.view("<u8") & ~_SIGN) != _NAN))


def _booleans(source: BsonBytes, at: Places, _: Places) -> Reading:
    values = source.byte(at)
    return Reading(pa.array(values != 0), broken=values > 1)


def _dates(source: BsonBytes, at: Places, _: Places) -> Reading:
    milliseconds = source.fixed(at, 8).view("<i8")
    odd = (milliseconds < _FIRST_DATE_MS) | (milliseconds > _LAST_DATE_MS)
    return Reading(array_of(milliseconds * 1000, arrow_type(Scalar.DATE)), odd)


def _timestamps(source: BsonBytes, at: Places, _: Places) -> Reading:
    values = source.fixed(at, 8).view("<u4").reshape(len(at), 2)
    microseconds = values[:, 1].astype(np.int64) * 1_000_000
    return Reading(array_of(microseconds, arrow_type(Scalar.TIMESTAMP)), values[:, 0] != 0)


def _binaries(source: BsonBytes, at: Places, end: Places) -> Reading:
    odd = source.byte(at + (_SIZE_OF_BINARY - 1)) != _PLAIN_SUBTYPE
    return Reading(source.slices(at + _SIZE_OF_BINARY, end), odd)


def _uuids(source: BsonBytes, at: Places, end: Places) -> Reading:
    odd = source.byte(at + (_SIZE_OF_BINARY - 1)) != _UUID_SUBTYPE
    odd |= end - at != _SIZE_OF_BINARY + _UUID_SIZE
    texts = np.full((len(at), len(_DIGITS) + len(_DASHES)), ord("-"), np.uint8)
    texts[:, _DIGITS] = hexadecimal(source.fixed(at + _SIZE_OF_BINARY, _UUID_SIZE), _UUID_SIZE)
    return Reading(texts_of_length(texts), odd)


def _decimals(source: BsonBytes, at: Places, _: Places) -> Reading:
    values, odd = decimals(source.fixed(at, 16).view("<u8").reshape(len(at), 2))
    return Reading(array_of(values, arrow_type(Scalar.DECIMAL)), odd)


BSON_SCALARS: Mapping[Scalar, BsonScalar] = MappingProxyType(
    {
        Scalar.STRING: BsonScalar(bson_walk.STRING, _strings),
        Scalar.OBJECT_ID: BsonScalar(bson_walk.OBJECT_ID, _object_ids),
        Scalar.INT32: BsonScalar(bson_walk.INT32, _int32s),
        Scalar.INT64: BsonScalar(bson_walk.INT64, _int64s),
        Scalar.DOUBLE: BsonScalar(bson_walk.DOUBLE, _doubles),
        Scalar.BOOL: BsonScalar(bson_walk.BOOL, _booleans),
        Scalar.DATE: BsonScalar(bson_walk.DATE, _dates),
        Scalar.TIMESTAMP: BsonScalar(bson_walk.TIMESTAMP, _timestamps),
        Scalar.BINARY: BsonScalar(bson_walk.BINARY, _binaries),
        Scalar.UUID: BsonScalar(bson_walk.BINARY, _uuids),
        Scalar.DECIMAL: BsonScalar(bson_walk.DECIMAL, _decimals),
    }
)
"""All scalars but ``json``, whose columns hold text that somebody has to write first."""
