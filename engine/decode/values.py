"""The Python classes of decoded BSON values, and the column type each of them is at home in.

PyMongo decodes the deprecated types symbol and undefined into ``str`` and ``None``; the classes here keep
them apart (BSON specification 1.1, element types 0x06, 0x0C and 0x0E).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

from bson import Binary, Code, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

from engine.spec.types import Scalar

BsonValue: TypeAlias = Any
"""A decoded value: of one of the classes in ``HOME`` below, or Undefined, DBRef, dict, list or None."""
Document: TypeAlias = dict[str, BsonValue]


@dataclass(frozen=True, slots=True)
class Symbol:
    """BSON symbol (0x0E)."""

    name: str


@dataclass(frozen=True, slots=True)
class DBPointer:
    """BSON dbPointer (0x0C)."""

    namespace: str
    id: ObjectId


@dataclass(frozen=True, slots=True)
class Undefined:
    """BSON undefined (0x06)."""


HOME: Mapping[type, Scalar] = MappingProxyType(
    {
        str: Scalar.STRING,
        ObjectId: Scalar.OBJECT_ID,
        int: Scalar.INT32,
        Int64: Scalar.INT64,
        float: Scalar.DOUBLE,
        Decimal128: Scalar.DECIMAL,
        bool: Scalar.BOOL,
        datetime: Scalar.DATE,
        DatetimeMS: Scalar.DATE,
        Timestamp: Scalar.TIMESTAMP,
        bytes: Scalar.BINARY,
        Binary: Scalar.BINARY,
        Regex: Scalar.JSON,
        Code: Scalar.JSON,
        Symbol: Scalar.JSON,
        DBPointer: Scalar.JSON,
        MinKey: Scalar.JSON,
        MaxKey: Scalar.JSON,
    }
)
"""Class of a decoded scalar -> the scalar column type that holds it as it is.

Binary of subtype 4 is at home in ``uuid``: see ``home_of``. Undefined has no home.
"""

UUID_SUBTYPE = 4


def home_of(value: BsonValue) -> Scalar | None:
    """The scalar type that holds this value as it is; None for null, undefined, documents and arrays."""
    if type(value) is Binary and value.subtype == UUID_SUBTYPE and len(value) == 16:  # noqa: PLR2004 - bytes of a UUID
        return Scalar.UUID
    return HOME.get(type(value))
