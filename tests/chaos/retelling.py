"""Messages of a topic that come again, as after a connector that has lost its place; some of them out of order."""

from __future__ import annotations

import json
import random
import uuid
from collections import defaultdict

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from tests.chaos.project import PARTITIONS

MOST = 60
"""Of one partition."""
ANSWER_S = 3.0


def retell(bootstrap: str, topic: str, chance: random.Random) -> int:
    """Write the last changes of every partition to its end once more; how many.

    Every other partition's come shuffled. What a snapshot read is left out: rows are placed by where they stand in
    the topic (docs/protocol.md), so that a snapshot which is told again is more rows.

    Raises:
        KafkaException: the broker does not answer.
    """
    told = 0
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0, "message.timeout.ms": 30_000})
    for number, messages in _last(bootstrap, topic).items():
        if chance.random() < 0.5:
            chance.shuffle(messages)
        for message in messages:
            producer.produce(topic, key=message.key(), value=message.value(), partition=number)
            told += 1
    producer.flush(ANSWER_S)
    return told


def _last(bootstrap: str, topic: str) -> dict[int, list[Message]]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        consumer.assign([_near_the_end(consumer, topic, number) for number in range(PARTITIONS)])
        found = defaultdict(list)
        while messages := consumer.consume(PARTITIONS * MOST, ANSWER_S / 2):
            for message in messages:
                if message.error() is None and _is_of_the_stream(message.value()):
                    found[message.partition() or 0].append(message)
            if sum(map(len, found.values())) >= PARTITIONS * MOST:
                break
        return found
    finally:
        consumer.close()


def _near_the_end(consumer: Consumer, topic: str, number: int) -> TopicPartition:
    offsets = consumer.get_watermark_offsets(TopicPartition(topic, number), ANSWER_S)
    if offsets is None:
        raise KafkaException("the broker does not answer")
    return TopicPartition(topic, number, max(offsets[0], offsets[1] - MOST))


def _is_of_the_stream(value: bytes | None) -> bool:
    return value is not None and json.loads(value).get("op") in ("c", "u", "d")
