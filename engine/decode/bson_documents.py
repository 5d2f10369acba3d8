"""Raw BSON documents become Python dicts, and each one proves that nothing was lost on the way.

PyMongo's C decoder is fast but bends three things in silence: undefined becomes null, symbol becomes string,
and of two fields of one name the first disappears. So every document is encoded again and compared with the
bytes it came from; the few that differ take an exact, slower path.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import bson
from bson.errors import BSONError

from engine.decode.exact_bson import CODEC, read_exactly, write_exactly
from engine.decode.values import Document

LENIENT_CODEC = CODEC.with_options(unicode_decode_error_handler="replace")


@dataclass(frozen=True, slots=True)
class DecodedDocuments:
    """Documents in input order, and the rows that no dict can stand for exactly."""

    documents: list[Document]
    inexact: dict[int, bytes] = field(default_factory=dict)
    """Row -> the raw BSON of a document with repeated field names, invalid UTF-8 or absurd nesting."""
    unreadable: dict[int, bytes] = field(default_factory=dict)
    """Row -> the text of what should be extended JSON and is not."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep CPython's cycle collector from walking a batch again and again while it is built (3x faster)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def decode_documents(raw: Sequence[bytes]) -> DecodedDocuments:
    """Decode whole BSON documents; never raises for what a document contains."""
    try:
        documents = bson.decode_all(b"".join(raw), CODEC)
        suspects = [
            row
            for row, (source, document) in enumerate(zip(raw, documents, strict=True))
            if bson.encode(document, codec_options=CODEC) != source
        ]
    except (BSONError, RecursionError, ValueError):
        documents = [{}] * len(raw)
        suspects = list(range(len(raw)))
    inexact: dict[int, bytes] = {}
    for row in suspects:
        documents[row], is_exact = _decode_slowly(raw[row])
        if not is_exact:
            inexact[row] = raw[row]
    return DecodedDocuments(documents, inexact)


def _decode_slowly(source: bytes) -> tuple[Document, bool]:
    """Decode one document, and say whether the dict is all of it."""
    try:
        document = read_exactly(source)
        return document, write_exactly(document) == source
    except (BSONError, RecursionError):
        return _decode_what_can_be(source), False


def _decode_what_can_be(source: bytes) -> Document:
    try:
        return bson.decode(source, LENIENT_CODEC)
    except (BSONError, RecursionError):
        return {}
