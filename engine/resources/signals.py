"""Asks a running Debezium connector for another snapshot, through its signal topic.

The topic needs no right to write to the MongoDB. The snapshot is a blocking one: an incremental one would have to
write its watermarks into a collection.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

from engine.errors import TransportError

FLUSH_S = 20.0


def ask_for_snapshot(client: Mapping[str, str | int], topic: str, prefix: str, collections: Sequence[str]) -> None:
    """Send the signal and wait until Kafka has it.

    Args:
        client: settings that reach the cluster (``engine.resources.kafka_client``).
        prefix: Debezium's ``topic.prefix``, by which the connector knows its signals.

    Raises:
        TransportError: Kafka does not take it.
    """
    from confluent_kafka import Producer  # noqa: PLC0415  only targets on Kafka need it

    failures: list[str] = []
    signal = {
        "id": uuid.uuid4().hex,
        "type": "execute-snapshot",
        "data": {"data-collections": [_pattern(name) for name in collections], "type": "blocking"},
    }
    producer = Producer({**client, "acks": "all"})
    producer.produce(
        topic,
        key=prefix,
        value=json.dumps(signal),
        on_delivery=lambda error, _: failures.append(error.str()) if error is not None else None,
    )
    if producer.flush(FLUSH_S) or failures:
        raise TransportError(
            f"the signal for a snapshot cannot be sent{': ' + failures[0] if failures else ''}",
            where=f"topic {topic}",
            remedy="check that the brokers run; `oplake apply --re-snapshot COLLECTION` sends it again",
        )


def _pattern(name: str) -> str:
    """Debezium reads the names in a signal as regular expressions."""
    return "".join(character if character.isalnum() or character in "_-" else f"\\{character}" for character in name)
