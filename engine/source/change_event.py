"""One event of a change stream, cut into the parts of a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from engine.errors import CollectionGone, SourceError
from engine.source.batch import Operation
from engine.source.cluster_time import pack, unix_seconds
from engine.source.raw_document import key_of

_OPERATIONS: Mapping[str, Operation] = MappingProxyType({"insert": "c", "update": "u", "replace": "u", "delete": "d"})
_ENDINGS = frozenset({"drop", "rename", "dropDatabase", "invalidate"})
_NO_CHANGE_OF_A_DOCUMENT = frozenset(
    {"create", "createIndexes", "dropIndexes", "modify", "shardCollection", "reshardCollection"}
    | {"refineCollectionShardKey"}
)
"""Expanded events: they change no document."""


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """A change of one document."""

    operation: Operation
    time: int
    """Packed cluster time."""
    source_time_us: int
    key: bytes
    document: bytes | None


def parse_event(event: RawBSONDocument, namespace: str) -> ChangeEvent | None:
    """Cut an event up; None when it changes no document.

    Raises:
        CollectionGone: the collection was dropped or renamed.
        SourceError: an operation this version does not know: it might change documents.
    """
    kind = event["operationType"]
    operation = _OPERATIONS.get(kind)
    if operation is None:
        _no_document(kind, namespace)
        return None
    time = pack(event["clusterTime"])
    document = event.get("fullDocument")
    return ChangeEvent(
        operation=operation,
        time=time,
        source_time_us=_source_time_us(event, time),
        key=_only_id(event["documentKey"]),
        document=None if document is None else bytes(document.raw),
    )


def _no_document(kind: str, namespace: str) -> None:
    if kind in _ENDINGS:
        raise CollectionGone(
            f"the collection was {_what_happened(kind)}; its table keeps what it had",
            where=namespace,
            remedy="if that was meant, `oplake destroy PIPELINE` removes the table, or point the pipeline at the new "
            "collection; to read a collection of the same name anew: `oplake destroy PIPELINE`, then `oplake apply`",
        )
    if kind not in _NO_CHANGE_OF_A_DOCUMENT:
        raise SourceError(
            f"the change stream sent an operation unknown to this version: {kind!r}",
            where=namespace,
            remedy="upgrade oplake; the table stands before this event and nothing is lost",
        )


def _what_happened(kind: str) -> str:
    return {"rename": "renamed", "dropDatabase": "dropped with its database"}.get(kind, "dropped or renamed")


def _source_time_us(event: RawBSONDocument, packed: int) -> int:
    """The server's wall clock where it tells (MongoDB 6), else the seconds of the cluster time."""
    wall_time: DatetimeMS | None = event.get("wallTime")
    return unix_seconds(packed) * 1_000_000 if wall_time is None else int(wall_time) * 1000


def _only_id(key: RawBSONDocument) -> bytes:
    """A sharded collection's key also holds the shard key's fields; the document is known by its ``_id``."""
    return bytes(key.raw) if len(key) == 1 else key_of(bytes(key.raw))
