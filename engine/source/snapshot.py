"""Reads a whole collection in the order of its ``_id``, from any point on, whatever types its ids have.

The order is that of the ``_id`` index, and so is the point to go on from (``min`` with ``hint``): a range predicate
such as ``{_id: {$gt: x}}`` would compare within one BSON type only and pass over all others in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.collection import Collection

from engine.source.raw_document import RAW, key_of, split_documents

BY_ID = [("_id", ASCENDING)]


def read_snapshot(
    collection: Collection[Any], session: ClientSession, after: bytes | None = None, rows_a_batch: int = 5000
) -> Iterator[bytes]:
    """The documents of a collection as BSON, each once, in ``_id`` order.

    Args:
        collection: with the read concern that the caller needs.
        session: causally consistent, so that nothing older than its operation time is read.
        after: ``{"_id": ...}`` as BSON of the last document already read.
        rows_a_batch: documents the server sends at a time.
    """
    cursor = collection.find_raw_batches(sort=BY_ID, hint=BY_ID, session=session, batch_size=rows_a_batch)
    if after is not None:
        cursor = cursor.min([("_id", bson.decode(after, RAW)["_id"])])
    with cursor:
        for content in cursor:
            for document in split_documents(content):
                if after is not None:
                    is_read_already, after = key_of(document) == after, None
                    if is_read_already:
                        continue
                yield document
