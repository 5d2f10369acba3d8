"""The documents that the records of a topic tell of, from the offsets a table has read up to where it ends now."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Set
from contextlib import closing

from confluent_kafka import Consumer, TopicPartition

from engine.decode.identity import identity_text
from engine.decode.json_documents import read_documents
from engine.errors import SourceUnreachable
from engine.source.debezium import Change, Ignored, Undecodable
from engine.source.kafka_errors import asking, kafka_error
from engine.source.kafka_group import EXACT, TUNED
from engine.source.kafka_position import partition_positions
from engine.source.kafka_topic import TopicView

_AT_ONCE = 1000
_SILENCE_S = 30.0
Parse = Callable[[bytes | None, bytes | None], Change | Ignored | Undecodable]


def told_after(
    topic: str, settings: Mapping[str, str], position: Mapping[str, int], ids: Set[str] | None, parse: Parse
) -> set[str]:
    """Those of these documents that records after a position tell of; records that are written meanwhile do not count.

    Args:
        topic: its name.
        settings: how the client reaches the brokers, as librdkafka names it.
        position: as committed with the table.
        ids: ``_id`` texts; None: of all documents.
        parse: what a record says.

    Raises:
        SourceUnreachable: no broker answers, or there is no such topic.
        SourceError: the brokers refuse.
    """
    view = TopicView(topic, settings)
    partitions = view.describe().partitions
    begins, ends = view.begins(partitions), view.ends(partitions)
    read = {partition: place.offset for partition, place in partition_positions(position).items()}
    starts = {one: max(begins[one], read.get(one) or 0) for one in partitions}
    behind = {one: start for one, start in starts.items() if start < ends[one]}
    if not behind:
        return set()
    consumer = Consumer({**TUNED, **settings, **EXACT, "group.id": "oplake.reconcile"})
    with asking(topic), closing(consumer):
        consumer.assign([TopicPartition(topic, one, start) for one, start in behind.items()])
        return _read(consumer, topic, {one: ends[one] for one in behind}, ids, parse)


def _read(consumer: Consumer, topic: str, ends: dict[int, int], ids: Set[str] | None, parse: Parse) -> set[str]:
    found: set[str] = set()
    deadline = time.monotonic() + _SILENCE_S
    while ends:
        for message in consumer.consume(_AT_ONCE, 1.0):
            partition, offset, error = message.partition(), message.offset(), message.error()
            if partition is None or offset is None or partition not in ends:
                continue
            deadline = time.monotonic() + _SILENCE_S
            if error is None:
                change = parse(message.key(), message.value())
                if isinstance(change, Change):
                    found |= {_text(change.key)} if ids is None else {_text(change.key)} & ids
                offset += 1
            elif error.code() != error._PARTITION_EOF:
                raise kafka_error(error, topic)
            if offset >= ends[partition]:
                del ends[partition]
        if time.monotonic() > deadline:
            raise SourceUnreachable("the topic gives no records, and has some", where=topic)
    return found


def _text(key: bytes) -> str:
    (document,) = read_documents([key]).documents
    return identity_text(document.get("_id"))
