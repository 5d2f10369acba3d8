"""The ``_id`` column (see identity.py) of many raw documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.decode import bson_walk
from engine.decode.bson_bytes import BsonBytes, Mask, Places
from engine.decode.bson_scalars import BSON_SCALARS, Reading
from engine.spec.types import Scalar

_INT32_LIMIT = 2**31
_AMBIGUOUS = r'\A(?:[{\["]|(?:null|true|false|[0-9a-f]{24})\z)'
"""A text that could be taken for something else than a string."""


def _strings(source: BsonBytes, at: Places, end: Places) -> Reading:
    read = BSON_SCALARS[Scalar.STRING].read(source, at, end)
    return Reading(read.array, _mask(pc.match_substring_regex(read.array, _AMBIGUOUS)), read.broken)


def _int32s(source: BsonBytes, at: Places, end: Places) -> Reading:
    return Reading(_wrapped("$numberInt", BSON_SCALARS[Scalar.INT32].read(source, at, end).array))


def _int64s(source: BsonBytes, at: Places, end: Places) -> Reading:
    numbers = BSON_SCALARS[Scalar.INT64].read(source, at, end).array
    is_small = pc.and_(pc.greater_equal(numbers, -_INT32_LIMIT), pc.less(numbers, _INT32_LIMIT))
    return Reading(_wrapped("$numberLong", numbers), _mask(is_small))


def _wrapped(name: str, numbers: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(f'{{"{name}":"', numbers.cast(pa.string()), '"}', "")


def _mask(flags: pa.Array) -> Mask:
    mask: Mask = np.asarray(flags.fill_null(False).to_numpy(zero_copy_only=False), np.bool_)
    return mask


READ_IDENTITIES: Mapping[int, Callable[[BsonBytes, Places, Places], Reading]] = MappingProxyType(
    {
        bson_walk.OBJECT_ID: BSON_SCALARS[Scalar.OBJECT_ID].read,
        bson_walk.STRING: _strings,
        bson_walk.INT32: _int32s,
        bson_walk.INT64: _int64s,
    }
)
"""BSON type of an ``_id`` -> the texts of many; odd are those that have to be written one by one."""
