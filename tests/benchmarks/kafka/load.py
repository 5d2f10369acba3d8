"""Topics filled with Debezium's messages, as recorded: documents of some 410 bytes of text in envelopes of 860."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import bson
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.benchmarks.documents import SEED, SMALL, raw_documents
from tests.decode.legacy_json import image

PARTITIONS = 4
DISTINCT = 20_000
"""So many bodies are written out once; their ids make them different documents."""
LEFT_OUT = ("phone", "seen_at")
"""Fields of the generated users that would make a message longer than the recorded ones."""
FIRST_S = 1_795_000_000
_POLL_EVERY = 10_000
_ENVELOPE = (
    '{"before":null,"after":%s,"updateDescription":null,"source":{"version":"3.6.1.Final","connector":"mongodb",'
    '"name":"bench.users","ts_ms":%d000,"snapshot":"false","db":"shop","sequence":null,"ts_us":%d000000,'
    '"ts_ns":%d000000000,"collection":"users","ord":%d,"lsid":null,"txnNumber":null,"wallTime":%d000},'
    '"op":"%s","ts_ms":%d123,"transaction":null}'
)


@dataclass(frozen=True, slots=True)
class Load:
    """Which messages: numbered, so that one load goes on where another ended."""

    count: int
    first: int = 0
    """Number of the first message; a greater number is a later change."""
    new_ids_from: int = 0
    updates_of: int = 0
    """Updates choose among the documents 0 to this, evenly."""
    update_share: float = 0.0


class Bodies:
    """Documents as text, without their ``_id``, escaped for an envelope."""

    def __init__(self) -> None:
        self._texts = [self._text(raw) for raw in raw_documents(SMALL, DISTINCT)]

    def __getitem__(self, number: int) -> str:
        return self._texts[number % DISTINCT]

    def _text(self, raw: bytes) -> str:
        document: dict[str, Any] = bson.decode(raw)
        for name in ("_id", *LEFT_OUT):
            del document[name]
        return image(document)[1:].replace("\\", "\\\\").replace('"', '\\"')


def messages(load: Load, bodies: Bodies) -> Iterator[tuple[str, str]]:
    """(key, value) of each message."""
    chance = random.Random(SEED + load.first)  # noqa: S311 - no secret
    new = load.new_ids_from
    for number in range(load.first, load.first + load.count):
        is_update = chance.random() < load.update_share
        identity, new = (chance.randrange(load.updates_of), new) if is_update else (new, new + 1)
        yield message(number, identity, "u" if is_update else "c", bodies)


def message(number: int, identity: int, operation: str, bodies: Bodies) -> tuple[str, str]:
    """One change: ``number`` is its place in time, ``identity`` its document."""
    after = f'"{{\\"_id\\": {{\\"$oid\\": \\"{identity:024x}\\"}},{bodies[number]}"'
    seconds, order = FIRST_S + number // 1000, number % 1000 + 1
    times = (seconds, seconds, seconds, order, seconds, operation, seconds)
    return f'{{"id":"{{\\"$oid\\": \\"{identity:024x}\\"}}"}}', _ENVELOPE % (after, *times)


def create_topic(bootstrap_servers: str, topic: str) -> None:
    """An empty topic of ``PARTITIONS`` partitions."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(60)


def fill(bootstrap_servers: str, topic: str, load: Load, bodies: Bodies) -> int:
    """Send a load as fast as can be; returns the bytes of its values."""
    producer = _producer(bootstrap_servers, 50)
    size = 0
    for number, (key, value) in enumerate(messages(load, bodies)):
        _produce(producer, topic, key, value)
        size += len(value)
        if number % _POLL_EVERY == 0:
            producer.poll(0)
    producer.flush()
    return size


def send_steadily(
    bootstrap_servers: str, topic: str, load: Load, bodies: Bodies, rate: int, sent: Callable[[Message], None]
) -> None:
    """Send ``rate`` messages a second; ``sent`` is told of each one that the broker has."""
    producer = _producer(bootstrap_servers, 5)
    started = time.monotonic()
    for number, (key, value) in enumerate(messages(load, bodies)):
        ahead = started + number / rate - time.monotonic()
        if ahead > 0:
            producer.poll(0)
            time.sleep(ahead)
        producer.produce(topic, value, key, on_delivery=lambda _, message: sent(message))
    producer.flush()


def _producer(bootstrap_servers: str, linger_ms: int) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "linger.ms": linger_ms,
            "batch.size": 1 << 20,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 1_000_000,
            "enable.idempotence": True,
        }
    )


def _produce(producer: Producer, topic: str, key: str, value: str) -> None:
    try:
        producer.produce(topic, value, key)
    except BufferError:
        producer.poll(1)
        _produce(producer, topic, key, value)
