"""A writer of the extended JSON that Debezium sends: the MongoDB Java driver's, as the recorded messages show it."""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import datetime
from typing import Any

from bson import Binary, Code, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64

from engine.decode.extended_json import date_ms, regex_options
from engine.decode.values import DBPointer, Symbol, Undefined

_BEYOND_16_BITS = re.compile("[\U00010000-\U0010ffff]")


def image(value: Any) -> str:  # noqa: ANN401 - whatever BSON holds
    """A value as ``after`` and ``before`` write it: legacy strict mode."""
    if isinstance(value, Int64):
        return f'{{"$numberLong": "{int(value)}"}}'
    if isinstance(value, datetime | DatetimeMS):
        return f'{{"$date": {date_ms(value)}}}'
    if isinstance(value, bytes):
        return f'{{"$binary": "{base64.b64encode(value).decode()}","$type": "{_subtype(value):02x}"}}'
    if isinstance(value, Regex):
        return f'{{"$regex": {_text(value.pattern)},"$options": {_text(regex_options(value))}}}'
    if isinstance(value, DBPointer):
        return f'{{"$ref": {_text(value.namespace)},"$id": {image(value.id)}}}'
    return _both(value, image)


def key(value: Any) -> str:  # noqa: ANN401, PLR0911 - whatever BSON holds, one line a type
    """An ``_id`` as the message's key writes it: relaxed mode of v2."""
    if isinstance(value, Int64):
        return str(int(value))
    if isinstance(value, float) and not math.isfinite(value):
        return f'{{"$numberDouble": "{_double(value)}"}}'
    if isinstance(value, datetime) and value.year >= 1970 and not value.microsecond:
        return f'{{"$date": "{value.isoformat()}Z"}}'
    if isinstance(value, datetime | DatetimeMS):
        return f'{{"$date": {{"$numberLong": "{date_ms(value)}"}}}}'
    if isinstance(value, bytes):
        content = base64.b64encode(value).decode()
        return f'{{"$binary": {{"base64": "{content}","subType": "{_subtype(value):02x}"}}}}'
    if isinstance(value, Regex):
        inner = f'{{"pattern": {_text(value.pattern)},"options": {_text(regex_options(value))}}}'
        return f'{{"$regularExpression": {inner}}}'
    if isinstance(value, DBPointer):
        return f'{{"$dbPointer": {{"$ref": {_text(value.namespace)},"$id": {key(value.id)}}}}}'
    return _both(value, key)


def _both(value: Any, write: Any) -> str:  # noqa: ANN401, PLR0911, PLR0912 - one line a type
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Code():
            scope = "" if value.scope is None else f',"$scope": {write(dict(value.scope))}'
            return f'{{"$code": {_text(value)}{scope}}}'
        case str():
            return _text(value)
        case int():
            return str(value)
        case float():
            return _double(value)
        case dict():
            return "{" + ",".join(f"{_text(name)}: {write(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ",".join(map(write, value)) + "]"
        case ObjectId():
            return f'{{"$oid": "{value}"}}'
        case Decimal128():
            return f'{{"$numberDecimal": "{value}"}}'
        case Timestamp():
            return f'{{"$timestamp": {{"t": {value.time},"i": {value.inc}}}}}'
        case Symbol(name):
            return f'{{"$symbol": {_text(name)}}}'
        case Undefined():
            return '{"$undefined": true}'
        case MinKey():
            return '{"$minKey": 1}'
        case MaxKey():
            return '{"$maxKey": 1}'
    raise TypeError(type(value))


def _subtype(value: bytes) -> int:
    return value.subtype if isinstance(value, Binary) else 0


def _text(value: str) -> str:
    written = json.dumps(str(value), ensure_ascii=False)
    return _BEYOND_16_BITS.sub(lambda found: json.dumps(found[0])[1:-1], written)


def _double(value: float) -> str:
    """Java's ``Double.toString``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return f"{value!r}" if "e" not in repr(value) else f"{value:f}"
    digits, exponent = f"{value:.16e}".split("e")
    for precision in range(17):
        digits, exponent = f"{value:.{precision}e}".split("e")
        if float(f"{digits}e{exponent}") == value:
            break
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"
