"""What stands in a topic."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable

from confluent_kafka import Consumer, TopicPartition

WAIT_S = 60.0


def operations(bootstrap: str, topic: str, enough: Callable[[list[str]], bool]) -> list[str]:
    """Debezium's operations (``r``, ``c``, ...) in a topic from its start, read until there are enough."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    found: list[str] = []
    deadline = time.monotonic() + WAIT_S
    try:
        while not enough(found) and time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is not None and message.error() is None and message.value() is not None:
                found.append(json.loads(message.value())["op"])
    finally:
        consumer.close()
    return found
