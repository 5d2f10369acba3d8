"""Reads a share of a collection in chunks that each end by themselves: after so many documents, bytes or seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from engine.reconcile.digests import NO_PAIRS, Digester
from engine.reconcile.share import Share, read_share
from engine.reconcile.spill import spill_content
from engine.reconcile.throttle import Throttle
from engine.source.mongo_errors import reading_from
from engine.source.raw_document import key_of

DECODED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """A chunk ends when it reaches one of these: it is what a process that was killed has to do again."""

    rows: int = 200_000
    size_bytes: int = 256 << 20
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class ScannedChunk:
    """A run of documents of one share, in the order of the index."""

    number: int
    documents: int
    content: pa.Buffer
    """Their pairs, as they are spilled."""
    size_bytes: int
    seconds: float
    after: bytes | None
    """``{"_id": ...}`` of the document before its first; None: it begins where the share does."""
    last_key: bytes | None
    """``{"_id": ...}`` of its last document: the next chunk begins after it."""
    is_last: bool


def scan_share(
    collection: Collection[Any],
    session: ClientSession | None,
    share: Share,
    digester: Digester,
    buckets: int,
    limits: ChunkLimits,
    throttle: Throttle,
    after: bytes | None = None,
    number: int = 0,
) -> Iterator[ScannedChunk]:
    """The chunks of a share, from the one after ``after`` on; the last one may be empty.

    Raises:
        SourceUnreachable: no server answers just now.
        SourceError: the server refuses.
    """
    held: list[pa.Table] = []
    rows = size = 0
    began, last = time.monotonic(), after

    def chunk(*, is_last: bool) -> ScannedChunk:
        seconds = time.monotonic() - began
        content = spill_content(pa.concat_tables([NO_PAIRS, *held]), buckets)
        return ScannedChunk(number, rows, content, size, seconds, after, last, is_last)

    with reading_from(collection.full_name):
        for documents in read_share(collection, session, share, after, min(DECODED_AT_ONCE, limits.rows)):
            held.append(digester.documents(documents))
            rows, size = rows + len(documents), size + sum(map(len, documents))
            last = key_of(documents[-1])
            throttle.passed(sum(map(len, documents)))
            if rows >= limits.rows or size >= limits.size_bytes or time.monotonic() - began >= limits.seconds:
                yield chunk(is_last=False)
                held, rows, size, number, began, after = [], 0, 0, number + 1, time.monotonic(), last
    yield chunk(is_last=True)
