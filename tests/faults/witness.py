"""A second reading of the change stream, from the very start, with nothing of oplake in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bson
from bson import Timestamp
from bson.raw_bson import RawBSONDocument

from engine.decode.identity import identity_text

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.change_stream import CollectionChangeStream
    from pymongo.collection import Collection

OPERATIONS = {"insert": "c", "update": "u", "replace": "u", "delete": "d"}
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One event as the server tells it."""

    time: Timestamp
    op: str
    id_text: str
    document: bytes | None
    """The document of an insert or a replace; an update does not carry one."""


def server_time(client: MongoClient[Any]) -> Timestamp:
    """The newest cluster time."""
    reply = client.admin.command("ping")
    moment: Timestamp = reply["operationTime"]
    return moment


def read_all(collection: Collection[Any], since: Timestamp, last_id: str) -> list[Seen]:
    """Every event after ``since`` up to the insert of the document ``last_id``."""
    seen: list[Seen] = []
    until = time.monotonic() + PATIENCE_S
    with _stream(collection, since) as stream:
        while time.monotonic() < until:
            event = stream.try_next()
            if event is None:
                continue
            seen.append(_seen(event))
            if seen[-1].op == "c" and seen[-1].id_text == last_id:
                return seen
    raise AssertionError(f"the change stream of {collection.full_name} does not show {last_id!r}")


@contextmanager
def _stream(collection: Collection[Any], since: Timestamp) -> Iterator[CollectionChangeStream[Any]]:
    options = bson.CodecOptions(document_class=RawBSONDocument)
    with collection.with_options(options).watch(
        start_at_operation_time=since, max_await_time_ms=200, batch_size=5000
    ) as stream:
        yield stream


def _seen(event: RawBSONDocument) -> Seen:
    image = event.get("fullDocument")
    return Seen(
        event["clusterTime"],
        OPERATIONS[event["operationType"]],
        identity_text(bson.decode(event["documentKey"].raw)["_id"]),
        image.raw if image is not None and event["operationType"] != "update" else None,
    )


def documents(collection: Collection[Any]) -> dict[str, bytes]:
    """What the collection holds now: id text -> BSON."""
    options = bson.CodecOptions(document_class=RawBSONDocument)
    found = collection.with_options(options).find()
    return {identity_text(bson.decode(one.raw)["_id"]): one.raw for one in found}
