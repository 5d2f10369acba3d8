"""The ``_id`` column: one text for each BSON ``_id``, so that different ids stay different rows.

ObjectId is its 24 hexadecimal digits, a string is itself, anything else is its canonical extended JSON.
A string that could be mistaken for one of those is written as a JSON string, in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bson import ObjectId

from engine.decode import extended_json
from engine.decode.values import BsonValue

_HEX_ID = re.compile(r"[0-9a-f]{24}")
_JSON_WORDS = frozenset({"null", "true", "false"})
_JSON_OPENERS = frozenset('{["')


def identity_text(value: BsonValue) -> str:
    """The text of one ``_id``."""
    if type(value) is ObjectId:
        return str(value)
    if type(value) is str and not _is_ambiguous(value):
        return value
    return extended_json.dumps(value)


def identity_value(text: str) -> BsonValue:
    """The ``_id`` a text was made from."""
    if _HEX_ID.fullmatch(text):
        return ObjectId(text)
    return extended_json.loads(text) if _is_ambiguous(text) else text


def identity_texts(values: Sequence[BsonValue]) -> list[str]:
    """The texts of a whole column of ids, in order."""
    if set(map(type, values)) == {ObjectId}:
        return list(map(str, values))
    return [identity_text(value) for value in values]


def _is_ambiguous(text: str) -> bool:
    return text[:1] in _JSON_OPENERS or text in _JSON_WORDS or _HEX_ID.fullmatch(text) is not None
