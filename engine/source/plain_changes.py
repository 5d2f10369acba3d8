"""Most messages of a topic, cut up in two thirds of the time: those with an image that begins with an ObjectId.

What a message has to look like is said by types, so that the JSON decoder itself finds out. Any other message is left
to ``parse_message``, and the answer is always the one that it gives.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Literal

import msgspec

from engine.source.debezium import OBJECT_ID, Change, Message, cluster_time, parse_message

_CLOSING_BRACE = ord("}")


class _PlainSource(msgspec.Struct, gc=False):
    ts_ms: int
    db: str
    collection: str
    ord: int = -1
    wallTime: int | None = None  # noqa: N815 - Debezium's name


class _Plain(msgspec.Struct, gc=False):
    op: Literal["r", "c", "u"]
    after: str
    source: _PlainSource
    before: None = None
    transaction: None = None


_PLAIN = msgspec.json.Decoder(_Plain)


def parser(namespace: str) -> Callable[[bytes | None, bytes | None], Message]:
    """What cuts up the messages of one topic as ``parse_message`` does.

    Args:
        namespace: ``database.collection`` that the topic is of.
    """

    def parse(key: bytes | None, value: bytes | None) -> Message:
        change = None if value is None else _plain_change(key, value, namespace)
        return parse_message(key, value, namespace) if change is None else change

    return parse


def _plain_change(key: bytes | None, value: bytes, namespace: str) -> Change | None:
    try:
        plain = _PLAIN.decode(value)
    except (ValueError, RecursionError):
        return None
    source, image = plain.source, plain.after.encode()
    identity = OBJECT_ID.match(image)
    if identity is None or image[-1] != _CLOSING_BRACE or f"{source.db}.{source.collection}" != namespace:
        return None
    time = None if plain.op == "r" else cluster_time(source.ts_ms, source.ord, source.wallTime)
    return Change(plain.op, time, zlib.crc32(key or b""), source.ts_ms * 1000, identity[0] + b"}", image)
