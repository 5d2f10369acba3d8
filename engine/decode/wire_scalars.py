"""How each scalar column's values look in legacy extended JSON, and how a whole column of them is unwrapped.

A pattern admits only what the column holds exactly: so a value that matches needs no further look. (RE2 syntax;
fields are parted by a comma, names from values by a colon and at most one space, as Debezium writes them.)
"""

from __future__ import annotations

import binascii
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from engine.decode.arrow_types import DECIMAL, arrow_type
from engine.spec.types import Scalar

TEXT = r'"(?:[^"\\\x00-\x1f]|\\.)*"'
"""A JSON string; which escapes are good the parser knows."""
_INT32 = r"-?(?:[0-9]{1,9}|1[0-9]{9}|20[0-9]{8}|21[0-3][0-9]{7}|214[0-6][0-9]{6}|2147[0-3][0-9]{5}|21474[0-7][0-9]{4})"
"""-2147479999 ... 2147479999: a little less than there is."""
_INT64 = r"(?:0|-?[1-9][0-9]{0,17}|-?[1-8][0-9]{18})"
_DOUBLE = r"-?[0-9]{1,20}\.[0-9]{1,25}(?:E-?(?:[0-9]{1,2}|[12][0-9]{2}))?"
"""A number with a point: without one it is an integer."""
_SMALL_DECIMAL = "|".join(f"0{{{zeros}}}[1-9][0-9]{{0,{9 - zeros}}}" for zeros in range(10))
_DECIMAL = rf"(?:-?[1-9][0-9]{{0,23}}(?:\.[0-9]{{1,10}})?|0(?:\.[0-9]{{1,10}})?|-0\.(?:{_SMALL_DECIMAL}))"
"""No exponent, no negative zero, no more digits than Decimal128 has."""
_UINT32 = r"(?:[0-9]{1,9}|[1-3][0-9]{9})"
_BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"


@dataclass(frozen=True, slots=True)
class WireScalar:
    """A scalar on the wire."""

    pattern: str
    type: pa.DataType
    """How the JSON parser reads it."""
    unwrap: Callable[[pa.Array], pa.Array]
    """The parsed column as the table's column."""


def wrapper(name: str, inner: str) -> str:
    """The pattern of a wrapper with one field."""
    return rf'\{{"\${name}": ?{inner}\}}'


def binary_pattern(content: str, subtype: str) -> str:
    """The pattern of a binary value."""
    return rf'\{{"\$binary": ?"{content}", ?"\$type": ?"{subtype}"\}}'


def first_field(array: pa.Array) -> pa.Array:
    """The first field of a struct column, null where the struct is."""
    return array.flatten()[0]


def _as_they_are(array: pa.Array) -> pa.Array:
    return array


def _binary(array: pa.Array) -> pa.Array:
    texts = first_field(array).to_pylist()
    return pa.array([None if text is None else binascii.a2b_base64(text) for text in texts], pa.binary())


def _uuid(array: pa.Array) -> pa.Array:
    texts = first_field(array).to_pylist()
    values = [None if text is None else str(uuid.UUID(bytes=binascii.a2b_base64(text))) for text in texts]
    return pa.array(values, pa.string())


def _timestamp(array: pa.Array) -> pa.Array:
    seconds = first_field(first_field(array))
    return seconds.cast(pa.timestamp("s", tz="UTC")).cast(arrow_type(Scalar.TIMESTAMP))


def _date(array: pa.Array) -> pa.Array:
    return first_field(array).cast(pa.timestamp("ms", tz="UTC")).cast(arrow_type(Scalar.DATE))


def _struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct([(f"${name}", data_type) for name, data_type in fields.items()])


_BINARY_TYPE = _struct(binary=pa.string(), type=pa.string())
_TIMESTAMP_TYPE = _struct(timestamp=pa.struct([("t", pa.int64()), ("i", pa.int64())]))

WIRE_SCALARS: Mapping[Scalar, WireScalar] = MappingProxyType(
    {
        Scalar.STRING: WireScalar(TEXT, pa.string(), _as_they_are),
        Scalar.INT32: WireScalar(_INT32, pa.int32(), _as_they_are),
        Scalar.DOUBLE: WireScalar(_DOUBLE, pa.float64(), _as_they_are),
        Scalar.BOOL: WireScalar("(?:true|false)", pa.bool_(), _as_they_are),
        Scalar.OBJECT_ID: WireScalar(wrapper("oid", '"[0-9a-f]{24}"'), _struct(oid=pa.string()), first_field),
        Scalar.INT64: WireScalar(
            wrapper("numberLong", f'"{_INT64}"'),
            _struct(numberLong=pa.string()),
            lambda array: first_field(array).cast(pa.int64()),
        ),
        Scalar.DECIMAL: WireScalar(
            wrapper("numberDecimal", f'"{_DECIMAL}"'),
            _struct(numberDecimal=pa.string()),
            lambda array: first_field(array).cast(DECIMAL),
        ),
        Scalar.DATE: WireScalar(wrapper("date", "-?[0-9]{1,13}"), _struct(date=pa.int64()), _date),
        Scalar.TIMESTAMP: WireScalar(
            wrapper("timestamp", rf'\{{"t": ?{_UINT32}, ?"i": ?0\}}'), _TIMESTAMP_TYPE, _timestamp
        ),
        Scalar.BINARY: WireScalar(binary_pattern(_BASE64, "00"), _BINARY_TYPE, _binary),
        Scalar.UUID: WireScalar(binary_pattern("[A-Za-z0-9+/]{21}[AQgw]==", "04"), _BINARY_TYPE, _uuid),
    }
)
"""All scalars but ``json``, whose columns hold text that somebody has to write first."""


def with_trailing_zeros(array: pa.Array) -> list[int]:
    """Where a parsed column of decimals has zeros at the end that the column cannot keep."""
    found = pc.match_substring_regex(first_field(array), r"\.[0-9]*0$")
    return list(pc.indices_nonzero(found.fill_null(False)).to_pylist())
