"""The ``_id`` column: one text for each BSON ``_id``, so that different ids stay different rows.

ObjectId is its 24 hexadecimal digits, a string is itself, anything else is its canonical extended JSON.
A string that could be mistaken for one of those is written as a JSON string, in quotes.

A number is written in the narrowest type that holds it, wherever it stands in the ``_id``: to MongoDB int 1, long 1,
double 1.0 and Decimal128 1 are the same id, a replacement may change its type, and the key of a Debezium message does
not tell int32 and int64 apart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal

from bson import DBRef, Decimal128, ObjectId
from bson.int64 import Int64

from engine.decode import extended_json
from engine.decode.exact_bson import write_exactly
from engine.decode.json_wrappers import integer_of
from engine.decode.values import BsonValue

_HEX_ID = re.compile(r"[0-9a-f]{24}")
_MAY_BE_NARROWED = frozenset({Int64, float, Decimal128, dict, list, DBRef})
_INT64_LIMIT = 2**63
_JSON_WORDS = frozenset({"null", "true", "false"})
_JSON_OPENERS = frozenset('{["')


def identity_text(value: BsonValue) -> str:
    """The text of one ``_id``."""
    if type(value) is ObjectId:
        return str(value)
    if type(value) is str and not _is_ambiguous(value):
        return value
    return extended_json.dumps(_narrowed(value))


def tells_all(value: BsonValue) -> bool:
    """Whether the text of this ``_id`` tells even the types of the numbers in it."""
    return type(value) not in _MAY_BE_NARROWED or write_exactly({"": value}) == write_exactly({"": _narrowed(value)})


def identity_value(text: str) -> BsonValue:
    """The ``_id`` a text was made from, the types of numbers as ``tells_all`` says."""
    if _HEX_ID.fullmatch(text):
        return ObjectId(text)
    return extended_json.loads(text) if _is_ambiguous(text) else text


def identity_texts(values: Sequence[BsonValue]) -> list[str]:
    """The texts of a whole column of ids, in order."""
    if set(map(type, values)) == {ObjectId}:
        return list(map(str, values))
    return [identity_text(value) for value in values]


def _narrowed(value: BsonValue) -> BsonValue:
    if type(value) is Int64:
        return integer_of(str(value))
    if type(value) is float:
        return _narrowed_double(value)
    if type(value) is Decimal128:
        return _narrowed_decimal(value)
    if type(value) is DBRef:
        return _narrowed(dict(value.as_doc()))
    if type(value) is list:
        return [_narrowed(item) for item in value]
    return {name: _narrowed(item) for name, item in value.items()} if type(value) is dict else value


def _narrowed_double(value: float) -> BsonValue:
    if value.is_integer() and -_INT64_LIMIT <= value < _INT64_LIMIT:
        return integer_of(str(int(value)))
    return math.nan if math.isnan(value) else value


def _narrowed_decimal(value: Decimal128) -> BsonValue:
    number = value.to_decimal()
    if not number.is_finite():
        return math.nan if number.is_nan() else float(number)
    if -_INT64_LIMIT <= number < _INT64_LIMIT and number == number.to_integral_value():
        return integer_of(str(int(number)))
    if Decimal(float(number)) == number:
        return float(number)
    sign, digits, exponent = number.as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    return Decimal128(f"{'-' * sign}{significant}E{int(exponent) + len(digits) - len(significant)}")


def _is_ambiguous(text: str) -> bool:
    return text[:1] in _JSON_OPENERS or text in _JSON_WORDS or _HEX_ID.fullmatch(text) is not None
