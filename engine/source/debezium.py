"""One message of the Debezium MongoDB connector becomes a change, or the reason why it is none.

The JSON converter's messages, with ``schemas.enable`` on (``{"schema": ..., "payload": ...}``) or off. The images
``after`` and ``before`` are strings of extended JSON inside the JSON; they are cut, not read, here.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from engine.source.batch import Operation
from engine.source.cluster_time import EPOCH_2020, SECONDS_SHIFT, pack_parts

IgnoredReason: TypeAlias = Literal["tombstone", "heartbeat", "transaction", "schema-change", "signal"]
UndecodableCode: TypeAlias = Literal[
    "message-empty",
    "message-not-json",
    "message-shape-unknown",
    "operation-unknown",
    "collection-unexpected",
    "image-missing",
    "image-not-a-document",
    "key-missing",
    "key-not-json",
]
"""Stable: dead letters are counted, listed and replayed by it."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """A change of one document."""

    operation: Operation
    time: int | None
    """Packed cluster time; None for what a snapshot read, which has none."""
    number: int
    """Tells apart the changes that share a cluster time."""
    source_time_us: int
    key: bytes
    """``{"_id": ...}`` as extended JSON in UTF-8, in the image's dialect or, where there is none, the message key's."""
    document: bytes | None
    """``after`` as it came, in UTF-8: legacy extended JSON."""


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A message that changes no document."""

    reason: IgnoredReason


class Undecodable(msgspec.Struct, frozen=True, gc=False):
    """A message that might change a document, but nobody can tell how: it belongs to the dead letters."""

    code: UndecodableCode
    detail: str
    """What is wrong, without anything of the message's contents."""


Message: TypeAlias = Change | Ignored | Undecodable


class _Source(msgspec.Struct, gc=False):
    ts_ms: int
    ord: int = -1
    db: str = ""
    collection: str = ""
    wallTime: int | None = None  # noqa: N815 - Debezium's name


class _Transaction(msgspec.Struct, gc=False):
    total_order: int = 0


class _Envelope(msgspec.Struct, gc=False):
    op: str
    source: _Source
    after: str | None = None
    before: str | None = None
    transaction: _Transaction | None = None


class _Wrapped(msgspec.Struct, gc=False):
    payload: _Envelope


class _Key(msgspec.Struct, gc=False):
    id: str | None = None
    payload: _Key | None = None


_ENVELOPES = msgspec.json.Decoder(_Envelope)
_WRAPPED = msgspec.json.Decoder(_Wrapped)
_SCHEMA = b'{"schema":'
"""How the JSON converter begins a message when ``schemas.enable`` is on."""
_KEYS = msgspec.json.Decoder(_Key)
_OPERATIONS: Mapping[str, Operation] = MappingProxyType({"r": "r", "c": "c", "u": "u", "d": "d"})
OBJECT_ID = re.compile(rb'\{"_id": \{"\$oid": "[0-9a-f]{24}"\}')
_ID = re.compile(rb'\{\s*"_id"\s*:\s*')
_JSON = json.JSONDecoder()
_MILLISECOND_SHIFT, _ORD_MASK = 22, (1 << 22) - 1


def parse_message(key: bytes | None, value: bytes | None, namespace: str | None = None) -> Message:
    """Cut one message up; never raises for what a message contains.

    Args:
        key: the message's key; needed only where neither image tells the ``_id``.
        value: the message's value; None is a tombstone.
        namespace: ``database.collection`` that the topic is of; None: whatever comes.
    """
    if value is None:
        return Ignored("tombstone")
    try:
        envelope = _envelope(value)
        if isinstance(envelope, Ignored):
            return envelope
        return _change(envelope, key, namespace)
    except _CannotDecode as error:
        return error.why


class _CannotDecode(Exception):
    def __init__(self, code: UndecodableCode, detail: str) -> None:
        super().__init__(code)
        self.why = Undecodable(code, detail)


def _envelope(value: bytes) -> _Envelope | Ignored:
    if not value:
        raise _CannotDecode("message-empty", "the value has no bytes")
    try:
        return _WRAPPED.decode(value).payload if value.startswith(_SCHEMA) else _ENVELOPES.decode(value)
    except msgspec.ValidationError as error:
        return _without_envelope(value, str(error))
    except (ValueError, RecursionError) as error:
        raise _CannotDecode("message-not-json", _why_not_json(value, error)) from error


def _change(envelope: _Envelope, key: bytes | None, namespace: str | None) -> Change:
    source, transaction = envelope.source, envelope.transaction
    operation = _OPERATIONS.get(envelope.op)
    if operation is None:
        raise _CannotDecode("operation-unknown", "`op` is none of r, c, u, d")
    if namespace is not None and f"{source.db}.{source.collection}" != namespace:
        raise _CannotDecode("collection-unexpected", f"the change is not of {namespace}")
    after = None if envelope.after is None else _image(envelope.after)
    before = None if envelope.before is None else _image(envelope.before)
    if after is None and operation in ("r", "c"):
        raise _CannotDecode("image-missing", "a snapshot row or an insert without `after`")
    return Change(
        operation=operation,
        time=None if operation == "r" else cluster_time(source.ts_ms, source.ord, source.wallTime),
        number=zlib.crc32(key or b"") if transaction is None else transaction.total_order,
        source_time_us=source.ts_ms * 1000,
        key=_key_of(after or before) or _key_of_message(key),
        document=None if operation == "d" else after,
    )


def _image(text: str) -> bytes:
    image = text.encode()
    if image[:1] != b"{" or image[-1:] != b"}":
        raise _CannotDecode("image-not-a-document", "an image is cut off, or a placeholder")
    return image


def cluster_time(made_ms: int, order: int, wall_ms: int | None) -> int:
    """The packed cluster time, or the nearest that a message's source (``ts_ms``, ``ord``, ``wallTime``) tells.

    Debezium 3.6 sends the increment (``ord``) of a cluster time but its seconds only where the server tells no wall
    time. The two clocks reach a new second apart, so under a wall time the milliseconds come before the increment.
    """
    seconds, milliseconds = divmod(made_ms, 1000)
    if wall_ms is None:
        return pack_parts(seconds, order & 0xFFFFFFFF)
    return pack_parts(seconds, milliseconds << _MILLISECOND_SHIFT | order & _ORD_MASK)


def cluster_times(sources: Iterable[tuple[int, int, int | None]]) -> list[int]:
    """``cluster_time`` of many: a call for each took a tenth of the time of cutting messages up."""
    return [
        (made_ms // 1000 - EPOCH_2020) << SECONDS_SHIFT
        | (order & 0xFFFFFFFF if wall_ms is None else made_ms % 1000 << _MILLISECOND_SHIFT | order & _ORD_MASK)
        for made_ms, order, wall_ms in sources
    ]


def _key_of(image: bytes | None) -> bytes | None:
    """``{"_id": ...}`` of an image, cut as it stands; None when it does not begin with the ``_id``."""
    if image is None:
        return None
    cut = OBJECT_ID.match(image)
    if cut is not None:
        return cut[0] + b"}"
    start = _ID.match(image)
    if start is None:
        return None
    text = image.decode()
    try:
        _, end = _JSON.raw_decode(text, start.end())
    except (ValueError, RecursionError):
        return None
    return f"{text[:end]}}}".encode()


def _key_of_message(key: bytes | None) -> bytes:
    """The id of a message key: extended JSON inside a string, in a dialect in which int32 and int64 look alike."""
    if not key:
        raise _CannotDecode("key-missing", "neither an image nor the message's key tells the `_id`")
    try:
        decoded = _KEYS.decode(key)
        identity = (decoded.payload or decoded).id
        if identity is None:
            raise _CannotDecode("key-missing", "the message's key has no `id`")
        json.loads(identity)
    except (ValueError, RecursionError) as error:
        detail = "the message's key is not JSON with an `id` of extended JSON"
        raise _CannotDecode("key-not-json", detail) from error
    return f'{{"_id": {identity}}}'.encode()


_MARKS: Mapping[str, IgnoredReason] = MappingProxyType(
    {"status": "transaction", "tableChanges": "schema-change", "ddl": "schema-change", "type": "signal"}
)
"""Field -> the kind of the connector's own messages that has it."""
_HEARTBEAT = frozenset({"ts_ms"})


def _without_envelope(value: bytes, detail: str) -> Ignored:
    """What a message that is no change is, if it is one of the connector's own."""
    try:
        fields = msgspec.json.decode(value)
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict) and isinstance(fields.get("payload"), dict):
        fields = fields["payload"]
    if isinstance(fields, dict) and "op" not in fields:
        if fields.keys() == _HEARTBEAT:
            return Ignored("heartbeat")
        for mark, reason in _MARKS.items():
            if mark in fields:
                return Ignored(reason)
    raise _CannotDecode("message-shape-unknown", detail)


def _why_not_json(value: bytes, error: Exception) -> str:
    if value.startswith(b"\0"):
        return "the value begins with a zero byte, as Avro's do: oplake reads the JSON converter's messages"
    return "nested deeper than can be read" if isinstance(error, RecursionError) else str(error)
