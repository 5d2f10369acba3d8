"""Generated documents and changes become bulk writes to one collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import encode
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError, ServerSelectionTimeoutError

from engine.datagen.changes import Change
from engine.datagen.kind import Document
from engine.errors import SourceError, UserError

if TYPE_CHECKING:
    from pymongo.collection import Collection

BATCH_DOCUMENTS = 10_000
MAX_BATCH_DOCUMENTS = 50_000
TICKS_A_SECOND = 10
"""How often a limited rate writes: smaller bulks, steadier flow."""
DUPLICATE_KEY = 11000

Write: TypeAlias = InsertOne[Document] | UpdateOne | ReplaceOne[Document] | DeleteOne
Progress: TypeAlias = Callable[[int], None]
"""Called after each bulk with the number of writes in it."""


def insert_documents(
    collection: Collection[Document], documents: Iterable[Document], batch: int, progress: Progress
) -> int:
    """Insert everything in bulks of ``batch`` documents and return how many there were.

    Raises:
        UserError: a document with the same ``_id`` is already there.
        SourceError: the server refused or could not be reached.
    """
    total = 0
    for bulk in _bulks(documents, batch):
        with translated(collection):
            collection.insert_many(bulk, ordered=False)
        total += len(bulk)
        progress(len(bulk))
    return total


def apply_changes(
    collection: Collection[Document],
    changes: Iterable[Change],
    batch: int,
    rate: float | None,
    progress: Progress,
) -> int:
    """Apply changes, at most ``rate`` a second (None: as fast as the server goes); return how many.

    Each document sees its changes in the order given. Raises as ``insert_documents`` does.
    """
    bulk_size = batch if rate is None else min(batch, max(1, int(rate / TICKS_A_SECOND)))
    started, total = time.monotonic(), 0
    for bulk in _bulks(changes, bulk_size):
        for wave in waves(bulk):
            with translated(collection):
                collection.bulk_write([_write(change) for change in wave], ordered=False)
        total += len(bulk)
        progress(len(bulk))
        if rate is not None:
            time.sleep(max(0.0, started + total / rate - time.monotonic()))
    return total


def waves(changes: Iterable[Change]) -> list[list[Change]]:
    """Split changes so that no wave touches a document twice and each document keeps its order.

    An ordered bulk of mixed kinds goes to the server as hundreds of tiny commands; an unordered one as three.
    Within a wave the order cannot matter.
    """
    result: list[list[Change]] = []
    reached: dict[bytes, int] = {}
    for change in changes:
        document = encode({"": change.identity})
        wave = reached.get(document, 0)
        reached[document] = wave + 1
        if wave == len(result):
            result.append([])
        result[wave].append(change)
    return result


def _write(change: Change) -> Write:
    match change:
        case Change("insert", _, dict(document)):
            return InsertOne(document)
        case Change("replace", identity, dict(document)):
            return ReplaceOne({"_id": identity}, document)
        case Change("update", identity, dict(update)):
            return UpdateOne({"_id": identity}, update)
        case Change(_, identity):
            return DeleteOne({"_id": identity})


def _bulks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while bulk := list(islice(iterator, size)):
        yield bulk


@contextmanager
def translated(collection: Collection[Document]) -> Iterator[None]:
    """Turn the driver's errors about ``collection`` into ours."""
    try:
        yield
    except BulkWriteError as error:
        first = (error.details.get("writeErrors") or [{}])[0]
        if first.get("code") == DUPLICATE_KEY:
            raise UserError(
                "the collection already holds documents of this seed",
                where=collection.full_name,
                remedy="choose another --seed, or add --changes instead of --count",
            ) from error
        raise SourceError(
            f"the server refused a write: {first.get('errmsg', 'no reason given')}",
            where=collection.full_name,
        ) from error
    except ServerSelectionTimeoutError as error:
        # Its own text describes every server it tried, at length.
        known = collection.database.client.topology_description.server_descriptions()
        raise SourceError(
            "MongoDB does not answer",
            where=f"{collection.full_name} at {', '.join(f'{host}:{port}' for host, port in sorted(known))}",
            remedy="check that the server runs and can be reached from here",
        ) from error
    except PyMongoError as error:
        raise SourceError(
            f"writing to MongoDB failed: {error}",
            where=collection.full_name,
            remedy="check that the server runs and that the user may write",
        ) from error
