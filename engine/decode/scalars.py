"""Scalar columns: which Python classes a column takes as they are, and what it can hold of others.

``hold`` is the whole rule of exactness: a column gets a value only when it can hold it without any change of
its number or text.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from bson import Binary, Decimal128, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

from engine.decode import extended_json
from engine.decode.arrow_types import arrow_type
from engine.decode.rescue import Reason
from engine.decode.values import BsonValue, Undefined, home_of
from engine.spec.types import Scalar

_NUMERIC = frozenset({Scalar.INT32, Scalar.INT64, Scalar.DOUBLE, Scalar.DECIMAL})
_INT32_LIMIT, _INT64_LIMIT, _EXACT_DOUBLE_LIMIT = 2**31, 2**63, 2**53
_DECIMAL_SCALE, _DECIMAL_DIGITS = 10, 38
_DECIMAL_STEP = Decimal(1).scaleb(-_DECIMAL_SCALE)
_WIDE = Context(prec=2 * _DECIMAL_DIGITS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_HOLD_ANY_INT32: Mapping[Scalar, Callable[[int], int | float]] = MappingProxyType(
    {Scalar.INT64: int, Scalar.DOUBLE: float}
)

PLAIN_CLASSES: Mapping[Scalar, frozenset[type]] = MappingProxyType(
    {
        Scalar.STRING: frozenset({str}),
        Scalar.OBJECT_ID: frozenset({ObjectId}),
        Scalar.INT32: frozenset({int}),
        Scalar.INT64: frozenset({Int64}),
        Scalar.DOUBLE: frozenset({float}),
        Scalar.BOOL: frozenset({bool}),
        Scalar.DATE: frozenset({datetime}),
        Scalar.BINARY: frozenset({bytes}),
    }
)
"""Scalar -> the classes all of whose values the column holds as they are."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a column holds of one value, and why the value itself has to be kept beside it, if it has to."""

    value: Any
    reason: Reason | None = None


def plain_array(values: Sequence[BsonValue], scalar: Scalar) -> pa.Array:
    """A column of values (or None) that are all of the column's ``PLAIN_CLASSES``, or what ``hold`` holds of others."""
    if scalar is Scalar.OBJECT_ID:
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, arrow_type(scalar))


def hold(value: BsonValue, scalar: Scalar) -> Held:
    """What a column of this type holds of a value that is not None."""
    if type(value) is Undefined:
        return Held(None, Reason.UNDEFINED)
    if scalar is Scalar.JSON:
        return Held(extended_json.dumps(value))
    home = home_of(value)
    if home is scalar:
        return _AT_HOME.get(scalar, Held)(value)
    if home in _NUMERIC and scalar in _NUMERIC:
        return _hold_number(value, scalar)
    return Held(None, Reason.CONFLICT)


def _hold_decimal(value: Decimal128) -> Held:
    number = value.to_decimal()
    if not _fits_decimal(number):
        return Held(None, Reason.OUT_OF_RANGE)
    is_plain = decimal_value(number).bid == value.bid
    return Held(_at_scale(number), None if is_plain else Reason.RETYPED)


def _hold_date(value: datetime | DatetimeMS) -> Held:
    return Held(None, Reason.OUT_OF_RANGE) if isinstance(value, DatetimeMS) else Held(value)


def _hold_timestamp(value: Timestamp) -> Held:
    instant = _EPOCH + timedelta(seconds=value.time)
    return Held(instant, Reason.RETYPED if value.inc else None)


def _hold_binary(value: bytes) -> Held:
    return Held(bytes(value), Reason.RETYPED if isinstance(value, Binary) else None)


_AT_HOME: Mapping[Scalar, Callable[[Any], Held]] = MappingProxyType(
    {
        Scalar.OBJECT_ID: lambda value: Held(str(value)),
        Scalar.UUID: lambda value: Held(str(uuid.UUID(bytes=bytes(value)))),
        Scalar.DECIMAL: _hold_decimal,
        Scalar.DATE: _hold_date,
        Scalar.TIMESTAMP: _hold_timestamp,
        Scalar.BINARY: _hold_binary,
    }
)


def _hold_number(value: BsonValue, scalar: Scalar) -> Held:
    """A number in a column of another numeric type: held when exactly the same number fits."""
    if type(value) is int and scalar in _HOLD_ANY_INT32:
        return Held(_HOLD_ANY_INT32[scalar](value), Reason.RETYPED)
    number = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    if not number.is_finite() or (number.is_zero() and number.is_signed()):
        return Held(None, Reason.CONFLICT)
    if scalar is Scalar.DECIMAL:
        return Held(_at_scale(number), Reason.RETYPED) if _fits_decimal(number) else Held(None, Reason.CONFLICT)
    if scalar is Scalar.DOUBLE:
        is_exact = number.copy_abs() <= _EXACT_DOUBLE_LIMIT and Decimal(float(number)) == number
        return Held(float(number), Reason.RETYPED) if is_exact else Held(None, Reason.CONFLICT)
    limit = _INT32_LIMIT if scalar is Scalar.INT32 else _INT64_LIMIT
    is_exact = -limit <= number < limit and number == int(number)
    return Held(int(number), Reason.RETYPED) if is_exact else Held(None, Reason.CONFLICT)


def _fits_decimal(number: Decimal) -> bool:
    if not number.is_finite() or (number.is_zero() and number.is_signed()):
        return False
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or number.is_zero():
        return number.is_zero()
    while exponent < -_DECIMAL_SCALE and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return exponent >= -_DECIMAL_SCALE and len(digits) + exponent + _DECIMAL_SCALE <= _DECIMAL_DIGITS


def _at_scale(number: Decimal) -> Decimal:
    return number.quantize(_DECIMAL_STEP, context=_WIDE)


def decimal_value(number: Decimal) -> Decimal128:
    """The Decimal128 a decimal column stands for: no trailing zeros after the point, no exponent."""
    text = f"{number:f}"
    return Decimal128(text.rstrip("0").rstrip(".") if "." in text else text)
