"""The cluster time inside a change stream's resume token.

A server answers an empty read with a token that says how far it has looked: nothing older is still to come. Only
the forms known here are read; of any other, None, and an idle position does not advance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import bson
from bson import Timestamp
from bson.errors import BSONError

_KEY_STRING = re.compile(r"82([0-9A-Fa-f]{8})([0-9A-Fa-f]{8})")
"""MongoDB: a KeyString; type 0x82 (timestamp), then seconds and increment, big-endian."""


def is_of_mongodb(token: Mapping[str, Any] | None) -> bool:
    """Whether MongoDB itself made the token, or none: such a server tells when a point is lost."""
    return token is None or _KEY_STRING.match(str(token.get("_data"))) is not None


def token_time(token: Mapping[str, Any] | None) -> Timestamp | None:
    """The cluster time of a resume token; None when its form is unknown."""
    data = token.get("_data") if token is not None else None
    if not isinstance(data, str):
        return None
    match = _KEY_STRING.match(data)
    if match:
        return Timestamp(int(match[1], 16), int(match[2], 16))
    return _from_document(data)


def _from_document(data: str) -> Timestamp | None:
    """SecantusDB: a BSON document in hexadecimal whose field ``t`` is the time."""
    try:
        time = bson.decode(bytes.fromhex(data)).get("t")
    except (ValueError, BSONError):
        return None
    return time if isinstance(time, Timestamp) else None
