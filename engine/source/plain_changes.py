"""Most messages of a topic, cut up in a fraction of the time: those with an image that begins with an ObjectId.

What a message has to look like is said by types, so that the JSON decoder itself finds out. Any other message is left
to ``parse_message``, and the answer is always the one that it gives.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from engine.source.batch import Operation
from engine.source.debezium import OBJECT_ID, Message, cluster_times, parse_message

_CLOSING_BRACE = ord("}")
_HEAD_BYTES = len(b'{"_id": {"$oid": "0123456789abcdef01234567"}')
_HEADS = re.compile(b"(?:" + OBJECT_ID.pattern + b")*+")
_Field: TypeAlias = tuple[str, Any] | tuple[str, Any, Any]


class _PlainSource(Protocol):
    ts_ms: int
    ord: int
    wallTime: int | None  # noqa: N815 - Debezium's name


class _Plain(Protocol):
    op: Operation
    after: str
    source: _PlainSource


@dataclass(frozen=True, slots=True)
class PlainRun:
    """Changes that follow each other in one partition, column by column: all of the stream, or all of a snapshot."""

    operations: list[Operation]
    times: list[int]
    """Packed cluster times; none of what a snapshot read."""
    numbers: list[int]
    source_times_us: list[int]
    keys: list[bytes]
    documents: list[bytes]


class Messages:
    """Cuts up the messages of one topic."""

    def __init__(self, namespace: str) -> None:
        """``namespace``: ``database.collection`` that the topic is of."""
        self._namespace = namespace
        self._decode = _decoder(namespace).decode

    def parse(self, key: bytes | None, value: bytes | None) -> Message:
        """What any one message says: see ``parse_message``."""
        return parse_message(key, value, self._namespace)

    def cut(self, keys: Sequence[bytes | None], values: Sequence[bytes | None]) -> list[PlainRun | int]:
        """Runs of plain changes; between them, how many messages are to be parsed one by one.

        Args:
            keys: of messages that follow each other in one partition.
            values: of the same messages.
        """
        try:
            found = list(map(self._decode, values))  # type: ignore[arg-type]  # of None it raises
        except (TypeError, ValueError, RecursionError):
            return _runs([self._plain(value) for value in values], keys)
        if not found:
            return []
        snapshot_rows = [one.op for one in found].count("r")
        return _runs(found, keys) if 0 < snapshot_rows < len(found) else [_run(found, keys) or len(found)]

    def _plain(self, value: bytes | None) -> _Plain | None:
        try:
            return self._decode(value or b"")
        except (ValueError, RecursionError):
            return None


def _decoder(namespace: str) -> msgspec.json.Decoder[_Plain]:
    """Types are made for the namespace, so that a message of another is no plain one."""
    database, _, collection = namespace.partition(".")
    times: list[_Field] = [("ts_ms", int), ("ord", int, -1), ("wallTime", int | None, None)]
    names: list[_Field] = [("db", Literal[database]), ("collection", Literal[collection])]
    source = msgspec.defstruct("PlainSource", [*names, *times], kw_only=True, gc=False)
    images: list[_Field] = [("after", str), ("before", None, None), ("transaction", None, None)]
    fields: list[_Field] = [("op", Literal["r", "c", "u"]), *images, ("source", source)]
    plain: Any = msgspec.defstruct("Plain", fields, kw_only=True, gc=False)
    return msgspec.json.Decoder(plain)


def _runs(messages: Sequence[_Plain | None], keys: Sequence[bytes | None]) -> list[PlainRun | int]:
    parts: list[PlainRun | int] = []
    begin = 0
    for kind, found in groupby(messages, _kind):
        run = list(found)
        end = begin + len(run)
        plain = [one for one in run if one is not None]
        parts.append((_run(plain, keys[begin:end]) if kind else None) or len(run))
        begin = end
    return parts


def _kind(found: _Plain | None) -> str | None:
    """None: no plain change."""
    if found is None:
        return None
    return "snapshot" if found.op == "r" else "stream"


def _run(found: Sequence[_Plain], keys: Sequence[bytes | None]) -> PlainRun | None:
    """Their columns; None when an image does not begin with an ObjectId, or is cut off."""
    documents = [plain.after.encode() for plain in found]
    heads = [document[:_HEAD_BYTES] for document in documents]
    if not _are_identities(heads) or {document[-1] for document in documents} != {_CLOSING_BRACE}:
        return None
    sources = [plain.source for plain in found]
    timed = () if found[0].op == "r" else sources
    return PlainRun(
        [plain.op for plain in found],
        cluster_times((source.ts_ms, source.ord, source.wallTime) for source in timed),
        [zlib.crc32(key or b"") for key in keys],
        [source.ts_ms * 1000 for source in sources],
        [head + b"}" for head in heads],
        documents,
    )


def _are_identities(heads: Sequence[bytes]) -> bool:
    """Whether each is an ObjectId that begins a document: one match of them all takes half the time of many.

    Args:
        heads: each of at most ``_HEAD_BYTES``, so that together they are as long only when all are.
    """
    joined = b"".join(heads)
    return len(joined) == _HEAD_BYTES * len(heads) and _HEADS.fullmatch(joined) is not None
