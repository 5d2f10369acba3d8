"""A topic that was just made, of which some brokers have not heard yet (INV-2).

The real client reads from the small broker that comes inside librdkafka. That one cannot be kept from hearing of a
topic, and its questions about topics are few: what is asked before reading is answered in its place.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar
from uuid import uuid4

import pytest
from confluent_kafka import (
    KafkaError,
    KafkaException,
    Node,
    Producer,
    TopicCollection,
    TopicPartition,
    TopicPartitionInfo,
    Uuid,
)
from confluent_kafka.admin import ListOffsetsResultInfo, OffsetSpec, TopicDescription

from engine.errors import PartitionsMoved, SourceUnreachable
from engine.source import kafka_topic
from engine.source.kafka import KafkaFeed, KafkaSource
from engine.source.plain_changes import Messages
from tests.kafka.topic import Collection
from tests.patience import PATIENCE_S

TOPIC, RECORDS, PARTITIONS = "things", 40, 2
NODE = Node(1, "localhost", 1)
T = TypeVar("T")


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The address of the small broker, with the topic full of records."""
    writer = Producer({"bootstrap.servers": "inside", "test.mock.num.brokers": 1, "log_level": 0})
    for number, event in enumerate(Collection().changes(RECORDS, keys=RECORDS)):
        writer.produce(TOPIC, key=event.key, value=event.value, partition=number % PARTITIONS)
    assert writer.flush(PATIENCE_S) == 0
    (node,) = writer.list_topics(timeout=PATIENCE_S).brokers.values()
    yield f"{node.host}:{node.port}"
    writer.purge()  # the broker lives as long as its client


class Brokers:
    """Answer about the topic in place of a client's brokers, now and then as one that has not heard of it."""

    def __init__(self, deaf: Iterable[bool]) -> None:
        self._deaf = iter(deaf)

    def client(self, *_: object, **__: object) -> Brokers:
        """In place of ``AdminClient``."""
        return self

    def poll(self, _: float) -> int:
        return 0

    def describe_topics(self, _: TopicCollection, **__: float) -> dict[str, Future[TopicDescription]]:
        parts = [TopicPartitionInfo(number, NODE, [NODE], [NODE]) for number in range(PARTITIONS)]
        return {TOPIC: self._answer(TopicDescription(TOPIC, Uuid(7, 7), False, parts))}

    def list_offsets(
        self, asked: dict[TopicPartition, OffsetSpec], **_: object
    ) -> dict[TopicPartition, Future[ListOffsetsResultInfo]]:
        ends = {place: 0 if spec is kafka_topic._EARLIEST else RECORDS // PARTITIONS for place, spec in asked.items()}
        return {place: self._answer(ListOffsetsResultInfo(end, -1, -1)) for place, end in ends.items()}

    def _answer(self, known: T) -> Future[T]:
        answer: Future[T] = Future()
        if next(self._deaf, False):
            answer.set_exception(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
        else:
            answer.set_result(known)
        return answer


def test_a_topic_that_a_broker_has_not_heard_of_yet_is_asked_for_again_and_read_exactly(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Twice before it is known; then described twice, the second time by a member; then asked where it begins.
    deaf = [True, True, False, False, True]
    monkeypatch.setattr(kafka_topic, "AdminClient", Brokers(deaf).client)
    feed = KafkaFeed(TOPIC, uuid4().hex, {"bootstrap.servers": broker}, Messages("shop.things"), begin_with_data=True)
    committed: dict[str, int] = {}
    refusals: list[SourceUnreachable] = []
    orders: list[str] = []
    source: KafkaSource | None = None
    until = time.monotonic() + PATIENCE_S
    while len(orders) < RECORDS and time.monotonic() < until:
        try:
            source = source or feed.open(committed, lambda: committed)
            batch = source.poll(0.1, RECORDS)
        except (PartitionsMoved, SourceUnreachable) as error:
            refusals += [error] if isinstance(error, SourceUnreachable) else []
            source = None
            continue
        orders += batch.orders
        committed.update(batch.position)
    feed.close()

    assert [error.what for error in refusals] == ["there is no such topic"] * sum(deaf)
    assert len(orders) == len(set(orders)) == RECORDS
    assert {committed[f"kafka.{one}"] for one in range(PARTITIONS)} == {RECORDS // PARTITIONS}
