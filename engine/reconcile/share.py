"""A worker's share of a collection, between two bounds of its ``_id`` index, and how shares are cut.

A bound is a place in the index, whatever type it has: ``min`` and ``max`` are ordered across BSON types as the server
orders them. A range predicate such as ``{_id: {$gte: x}}`` would compare within one type and pass over all others in
silence. So shares that begin and end at the same places leave no document out, and it matters to balance alone where
those places are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bson
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from engine.source.raw_document import RAW, key_of, split_documents
from engine.source.snapshot import BY_ID

SAMPLES_A_SHARE = 100
"""Sampled ids for each bound: a share is then seldom twice another."""


@dataclass(frozen=True, slots=True)
class Share:
    """Documents from ``lower`` (inclusive) up to ``upper`` (exclusive); None: as far as there are any."""

    number: int
    lower: bytes | None = None
    """``{"_id": ...}`` as BSON."""
    upper: bytes | None = None


def cut(collection: Collection[Any], count: int) -> list[Share]:
    """Shares of about the same number of documents that together are the whole collection.

    Args:
        collection: gives raw documents.
        count: at most so many.
    """
    bounds: list[bytes] = []
    if count > 1:
        sample = [{"$sample": {"size": count * SAMPLES_A_SHARE}}, {"$project": {"_id": 1}}, {"$sort": {"_id": 1}}]
        keys = [bytes(key.raw) for key in collection.aggregate(sample)]
        bounds = list(dict.fromkeys(keys[len(keys) * place // count] for place in range(1, count))) if keys else []
        bounds = [bound for bound in bounds if bound != keys[0]]
    return [
        Share(number, lower, upper)
        for number, (lower, upper) in enumerate(zip([None, *bounds], [*bounds, None], strict=True))
    ]


def read_share(
    collection: Collection[Any],
    session: ClientSession | None,
    share: Share,
    after: bytes | None = None,
    rows_a_batch: int = 5000,
) -> Iterator[list[bytes]]:
    """The documents of a share as BSON, each once, in the order of the index, as the server sends them.

    Args:
        collection: gives raw documents, with the read concern and preference that the caller needs.
        session: causally consistent, so that nothing older than its operation time is read.
        share: what to read.
        after: ``{"_id": ...}`` as BSON of the last document already read.
        rows_a_batch: documents the server sends at a time.
    """
    cursor = collection.find_raw_batches(sort=BY_ID, hint=BY_ID, session=session, batch_size=rows_a_batch)
    lower = after if after is not None else share.lower
    if lower is not None:
        cursor = cursor.min([("_id", bson.decode(lower, RAW)["_id"])])
    if share.upper is not None:
        cursor = cursor.max([("_id", bson.decode(share.upper, RAW)["_id"])])
    with cursor:
        for content in cursor:
            documents = list(split_documents(content))
            if after is not None and documents and key_of(documents[0]) == after:
                documents = documents[1:]
            after = None
            if documents:
                yield documents
