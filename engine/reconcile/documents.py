"""Reads documents of a collection by the ``_id`` texts of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import bson
from bson import Timestamp
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference, _ServerMode

from engine.decode.exact_bson import CODEC
from engine.decode.identity import identity_text, identity_value
from engine.errors import SourceError
from engine.source.cluster_time import pack, unpack
from engine.source.mongo_errors import reading_from
from engine.source.raw_document import RAW, key_of
from engine.source.snapshot import BY_ID

_AT_ONCE = 1000


class Documents:
    """One collection, read with read concern majority and never older than a time one knows."""

    def __init__(
        self, client: MongoClient[Any], namespace: str, preference: _ServerMode = ReadPreference.PRIMARY
    ) -> None:
        database, _, name = namespace.partition(".")
        self.client = client
        self.namespace = namespace
        self.collection = client[database][name].with_options(
            RAW, read_concern=ReadConcern("majority"), read_preference=preference
        )

    def now(self) -> int:
        """The newest cluster time, packed.

        Raises:
            SourceError: the server tells none.
        """
        with reading_from(self.namespace), self.client.start_session(causal_consistency=True) as session:
            self.client.admin.command("ping", session=session)
            told: Timestamp | None = session.operation_time
        if told is None:
            raise SourceError(
                "the server tells no cluster time, so a read cannot be placed among the changes",
                where=self.namespace,
                remedy="reconcile against a replica set or a sharded cluster",
            )
        return pack(told)

    def read(self, texts: Sequence[str], not_before: int) -> Iterator[tuple[str, bytes]]:
        """Those of these documents that are there, with the text of their ``_id``.

        Args:
            texts: as in the table's ``_id`` column.
            not_before: packed cluster time; nothing older is read, even from a secondary.
        """
        with reading_from(self.namespace), self.client.start_session(causal_consistency=True) as session:
            session.advance_operation_time(unpack(not_before))
            for start in range(0, len(texts), _AT_ONCE):
                # An _id that is a regular expression finds texts as well: each is told with its own part alone.
                wanted = set(texts[start : start + _AT_ONCE])
                values = [identity_value(text) for text in wanted]
                for found in self.collection.find({"_id": {"$in": values}}, session=session):
                    document = bytes(found.raw)
                    text = text_of(key_of(document))
                    if text in wanted:
                        yield text, document

    def count(self) -> int:
        """How many documents there are, about."""
        with reading_from(self.namespace):
            return self.collection.estimated_document_count()

    def count_exactly(self, not_before: int) -> int:
        """How many documents there are; the server goes through its index for it."""
        with reading_from(self.namespace), self.client.start_session(causal_consistency=True) as session:
            session.advance_operation_time(unpack(not_before))
            return self.collection.count_documents({}, session=session, hint=BY_ID)


def text_of(key: bytes) -> str:
    """The ``_id`` text of ``{"_id": ...}`` in BSON."""
    return identity_text(bson.decode(key, CODEC)["_id"])
