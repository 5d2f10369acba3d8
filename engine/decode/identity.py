"""The ``_id`` column: one text for each BSON ``_id``, so that different ids stay different rows.

ObjectId is its 24 hexadecimal digits, a string is itself, anything else is its canonical extended JSON.
A string that could be mistaken for one of those is written as a JSON string, in quotes.

An int64 that fits an int32 is written as one, wherever it stands in the ``_id``: to MongoDB they are the same id, and
the key of a Debezium message does not tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bson import DBRef, ObjectId
from bson.int64 import Int64

from engine.decode import extended_json
from engine.decode.exact_bson import write_exactly
from engine.decode.json_wrappers import integer_of
from engine.decode.values import BsonValue

_HEX_ID = re.compile(r"[0-9a-f]{24}")
_MAY_HOLD_INT64 = frozenset({Int64, dict, list, DBRef})
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
    """Whether the text of this ``_id`` tells even which integers in it are int64."""
    return type(value) not in _MAY_HOLD_INT64 or write_exactly({"": value}) == write_exactly({"": _narrowed(value)})


def identity_value(text: str) -> BsonValue:
    """The ``_id`` a text was made from, int64 as ``tells_all`` says."""
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
    if type(value) is DBRef:
        return _narrowed(dict(value.as_doc()))
    if type(value) is list:
        return [_narrowed(item) for item in value]
    return {name: _narrowed(item) for name, item in value.items()} if type(value) is dict else value


def _is_ambiguous(text: str) -> bool:
    return text[:1] in _JSON_OPENERS or text in _JSON_WORDS or _HEX_ID.fullmatch(text) is not None
