"""What a change stream's resume token tells about how far the server has looked.

A server answers an empty read with a token, too: nothing older is still to come. Only the forms known here are read;
of any other, None.
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
    """Whether MongoDB itself made the token, or none was made: such a server tells when a point is lost."""
    return token is None or _KEY_STRING.match(str(token.get("_data"))) is not None


def time_of(token: Mapping[str, Any] | None) -> Timestamp | None:
    """The cluster time in a token of MongoDB; None when its form is unknown."""
    match = _KEY_STRING.match(_data(token))
    return Timestamp(int(match[1], 16), int(match[2], 16)) if match else None


def sequence_of(token: Mapping[str, Any] | None) -> int | None:
    """The number of the oplog entry in a token of SecantusDB; None when its form is unknown.

    The token is a BSON document in hexadecimal: ``s`` numbers the oplog's entries. Its ``t`` is of no use: after an
    empty read it is the server's clock, whichever entry was looked at last.
    """
    number = _content(token).get("s")
    return int(number) if isinstance(number, int) else None


def resumable(token: Mapping[str, Any] | None, namespace: str) -> Mapping[str, Any] | None:
    """The token in the form in which a stream of this collection is let go on from it.

    SecantusDB passes over commands, such as the drop of another collection of the database. When one was the last that
    it looked at, it names the command's namespace in the token, and then refuses that to every stream of a collection.
    """
    content = _content(token)
    if not str(content.get("n")).endswith(".$cmd"):
        return token
    return {"_data": bson.encode({**content, "n": namespace}).hex()}


def _content(token: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a token of SecantusDB consists of; nothing when its form is unknown."""
    try:
        return bson.decode(bytes.fromhex(_data(token)))
    except (ValueError, BSONError):
        return {}


def _data(token: Mapping[str, Any] | None) -> str:
    data = token.get("_data") if token is not None else None
    return data if isinstance(data, str) else ""
