"""Single values out of the bytes of many documents, for the few that no column reads as they are."""

from __future__ import annotations

import struct

import numpy as np

from engine.decode.bson_bytes import BsonBytes, Mask
from engine.decode.bson_documents import decode_documents
from engine.decode.bson_walk import Values
from engine.decode.values import BsonValue

_LENGTH = struct.Struct("<i")
_FRAME_SIZE = 7
"""Bytes of a document around one value without a name."""


def decode_values(source: BsonBytes, values: Values) -> tuple[list[BsonValue], Mask]:
    """The values, and which of them no Python value can stand for exactly."""
    places = zip(values.kind.tolist(), values.at.tolist(), values.end.tolist(), strict=True)
    framed = [
        b"%b%c\0%b\0" % (_LENGTH.pack(end - at + _FRAME_SIZE), kind, source.content[at:end]) for kind, at, end in places
    ]
    decoded = decode_documents(framed)
    broken = np.zeros(len(framed), np.bool_)
    broken[list(decoded.inexact)] = True
    return [document.get("") for document in decoded.documents], broken
