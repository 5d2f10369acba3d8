from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from bson import Timestamp

from engine.errors import InternalError
from engine.source.batch import Batch
from engine.source.cluster_time import pack
from engine.source.debezium import Change, Ignored, Undecodable, parse_message
from engine.source.partition_order import PartitionOrder
from tests.source.debezium_messages import Recorded, recorded


def parsed(message: Recorded) -> Change | Ignored | Undecodable:
    return parse_message(message.key, message.value)


def envelope(**changed: Any) -> bytes:  # noqa: ANN401 - whatever JSON holds
    source = {"ts_ms": 1_000, "ord": 1, "db": "shop", "collection": "types", "wallTime": None}
    return json.dumps({"op": "c", "after": '{"_id": 1}', "before": None, "source": source, **changed}).encode()


def test_every_recorded_message_is_a_change_or_known_to_be_none() -> None:
    kinds = Counter(
        (message.topic.split(".")[0], parsed.reason if isinstance(parsed, Ignored) else parsed.operation)
        for message, parsed in ((message, parsed(message)) for message in recorded())
        if not isinstance(parsed, Undecodable)
    )
    assert kinds.total() == 97
    assert kinds["mongodb", "r"] == 10
    assert kinds["mongodb", "transaction"] == 2
    assert kinds["__debezium-heartbeat", "heartbeat"] == 3
    assert sum(count for (_, kind), count in kinds.items() if kind == "tombstone") == 10
    assert sum(count for (_, kind), count in kinds.items() if kind == "d") == 10


def test_keys_come_from_the_image_before_the_messages_own_key() -> None:
    keys = [change.key for change in map(parsed, recorded("pre.shop.types")) if isinstance(change, Change)]
    assert b'{"_id": {"$oid": "6b04cd6ad88302049701d388"}}' in keys
    assert b'{"_id": {"$numberLong": "1099511627776"}}' in keys
    assert b'{"_id": {"$binary": "AAAAAAAAAAAAAAAAAAAABQ==","$type": "04"}}' in keys
    assert b'{"_id": {"a": 1,"b": "x"}}' in keys
    assert b'{"_id": "strkey"}' in keys


def test_without_an_image_the_id_is_the_messages_key() -> None:
    deletes = [
        change
        for change in map(parsed, recorded("mongodb.shop.types"))
        if isinstance(change, Change) and change.operation == "d"
    ]
    assert {change.document for change in deletes} == {None}
    assert b'{"_id": "strkey"}' in [change.key for change in deletes]


def test_messages_with_their_schema_say_the_same_as_those_without() -> None:
    assert [parsed(message) for message in recorded("prepost.shop")] == [
        replaced(parsed(plain), parsed(wrapped))
        for plain, wrapped in zip(recorded("pre.shop"), recorded("prepost.shop"), strict=True)
    ]


def replaced(plain: object, wrapped: object) -> object:
    """The plain change with the number of the wrapped one: it is made from the message's key."""
    return msgspec.structs.replace(plain, number=wrapped.number) if isinstance(wrapped, Change) else plain  # type: ignore[type-var]


def test_an_update_whose_document_is_gone_has_no_document() -> None:
    updates = [
        change
        for change in map(parsed, recorded("cs.shop.types"))
        if isinstance(change, Change) and change.operation == "u"
    ]
    assert [change.document is None for change in updates] == [True, False, True]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "tombstone"),
        (b'{"ts_ms":1795476550281}', "heartbeat"),
        (b'{"schema":{"type":"struct"},"payload":{"ts_ms":1}}', "heartbeat"),
        (b'{"status":"END","id":"x:1","event_count":2,"data_collections":[],"ts_ms":1}', "transaction"),
        (b'{"source":{"ts_ms":1},"databaseName":"shop","ddl":null,"tableChanges":[]}', "schema-change"),
        (b'{"type":"execute-snapshot","data":{"data-collections":["shop.types"]}}', "signal"),
    ],
)
def test_the_connectors_own_messages_change_no_document(value: bytes | None, reason: str) -> None:
    assert parse_message(b"{}", value) == Ignored(reason)  # type: ignore[arg-type]


WHOLE = envelope()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "message-empty"),
        (WHOLE[:-1], "message-not-json"),
        (WHOLE[:40], "message-not-json"),
        (b"\0\0\0\0\x07avro", "message-not-json"),
        (b"\xff\xfe", "message-not-json"),
        (b"{" * 100_000, "message-not-json"),
        (b'{"a":' * 100_000, "message-not-json"),
        (b"[]", "message-shape-unknown"),
        (b"null", "message-shape-unknown"),
        (b'"text"', "message-shape-unknown"),
        (b"{}", "message-shape-unknown"),
        (b'{"schema":{}}', "message-shape-unknown"),
        (b'{"schema":{},"payload":null}', "message-shape-unknown"),
        (b'{"_id":{"$oid":"6b04cc3dcc306fea304c1c34"},"n":1}', "message-shape-unknown"),
        (envelope(op=5), "message-shape-unknown"),
        (envelope(source=None), "message-shape-unknown"),
        (envelope(source={"ord": 1}), "message-shape-unknown"),
        (envelope(after={"_id": 1}), "message-shape-unknown"),
        (envelope(op="t"), "operation-unknown"),
        (envelope(source={"ts_ms": 1, "db": "shop", "collection": "other"}), "collection-unexpected"),
        (envelope(after=None), "image-missing"),
        (envelope(op="r", after=None), "image-missing"),
        (envelope(after="__debezium_unavailable_value"), "image-not-a-document"),
        (envelope(after='{"_id": 1, "text": "SeCrEt'), "image-not-a-document"),
        (envelope(after=""), "image-not-a-document"),
        (envelope(op="d", after=None, before="?"), "image-not-a-document"),
    ],
)
def test_a_message_nobody_can_read_is_named_by_a_code_and_shows_nothing_of_itself(value: bytes, code: str) -> None:
    message = parse_message(b'{"id":"1"}', value, "shop.types")
    assert isinstance(message, Undecodable)
    assert message.code == code
    assert "SeCrEt" not in message.detail


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "key-missing"),
        (b"", "key-missing"),
        (b'{"other":1}', "key-missing"),
        (b'{"id":7}', "key-not-json"),
        (b'{"id":"{"}', "key-not-json"),
        (b"{", "key-not-json"),
    ],
)
def test_a_delete_of_nobody_knows_what_is_undecodable(key: bytes | None, code: str) -> None:
    message = parse_message(key, envelope(op="d", after=None))
    assert isinstance(message, Undecodable)
    assert message.code == code


def orders(messages: list[Recorded], order: PartitionOrder) -> list[str]:
    changes = [(parsed(message), message.offset) for message in messages]
    return [order.order(change, offset) for change, offset in changes if isinstance(change, Change)]


@pytest.mark.parametrize("topic", ["mongodb.shop.types", "pre.shop.types", "prepost.shop.types", "cs.shop.types"])
def test_orders_of_recorded_messages_are_unique_and_sort_as_they_happened(topic: str) -> None:
    found = orders(recorded(topic), PartitionOrder(0))
    assert len(set(found)) == len(found)
    in_transaction = 2
    assert sum(one < two for one, two in pairwise(found)) >= len(found) - 1 - in_transaction
    assert max(map(len, found)) < 32


def test_a_change_that_comes_twice_has_one_order_wherever_it_comes() -> None:
    messages = [message for message in recorded("cs.shop.types") if message.value]
    again = [Recorded(message.topic, message.offset + 1000, message.key, message.value) for message in messages]
    found = orders([*messages, *again], PartitionOrder(0))
    assert found[: len(messages)] == found[len(messages) :]


def change(operation: str, ts_ms: int, ordinal: int, wall_time: int | None = None) -> Change:
    source = {"ts_ms": ts_ms, "ord": ordinal, "wallTime": wall_time}
    parsed = parse_message(b'{"id":"1"}', envelope(op=operation, source=source))
    assert isinstance(parsed, Change)
    return parsed


def test_a_snapshot_row_never_wins_over_a_later_change_whatever_connects_clock_says() -> None:
    order = PartitionOrder(0)
    hours_ahead = 10**13
    read = [order.order(change("r", hours_ahead, -1), offset) for offset in (0, 1)]
    changed = order.order(change("c", 1_700_000_000_000, 1), 2)
    assert read[0] < read[1] < changed


def test_a_later_snapshot_wins_over_what_the_partition_brought_before_and_loses_to_what_comes_after() -> None:
    order = PartitionOrder(3)
    before = order.order(change("u", 1_700_000_000_000, 7), 10)
    resumed = PartitionOrder(3, order.newest)
    read = resumed.order(change("r", 1, -1), 11)
    after = resumed.order(change("u", 1_700_000_000_000, 8), 12)
    assert before < read < after
    assert order.newest == pack(Timestamp(1_700_000_000, 7))


def test_under_a_wall_time_milliseconds_come_before_the_increment() -> None:
    """The increment begins anew when the cluster time reaches a second, which the wall time has not reached yet."""
    order = PartitionOrder(0)
    first = order.order(change("u", 1_700_000_000_998, 57, 1_700_000_000_998), 0)
    second = order.order(change("u", 1_700_000_000_999, 1, 1_700_000_000_999), 1)
    assert first < second


def test_changes_of_different_documents_at_one_cluster_time_have_different_orders() -> None:
    source = {"ts_ms": 1_000, "ord": 1}
    found = set()
    for key in (b'{"id":"1"}', b'{"id":"2"}'):
        one = parse_message(key, envelope(source=source))
        assert isinstance(one, Change)
        found.add(PartitionOrder(0).order(one, 0))
    assert len(found) == 2


def test_a_partition_or_offset_beyond_the_order_is_refused() -> None:
    with pytest.raises(InternalError, match="do not fit"):
        PartitionOrder(0).order(change("r", 1, -1), 1 << 42)
    with pytest.raises(InternalError, match="do not fit"):
        PartitionOrder(1 << 14).order(change("r", 1, -1), 0)


def test_a_batch_keeps_its_encoding_in_pieces_and_together() -> None:
    batch = Batch(["c"] * 3, ["1", "2", "3"], [0] * 3, [b"k"] * 3, [b"d"] * 3, {"p": 3}, "extended_json")
    assert {piece.encoding for piece in batch.chunks(2)} == {"extended_json"}
    assert Batch.concat(batch.chunks(2)) == batch
    assert Batch.concat([Batch(position={"p": 1}), batch]).encoding == "extended_json"
    assert Batch.concat([]).encoding == "bson"


def test_batches_in_different_encodings_are_never_joined() -> None:
    one = Batch(["c"], ["1"], [0], [b"k"], [b"d"])
    two = Batch(["c"], ["2"], [0], [b"k"], [b"d"], encoding="extended_json")
    with pytest.raises(InternalError, match="different encodings"):
        Batch.concat([one, two])
