"""The Kafka topics that a pipeline asks for: one a collection, and those that its connector needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from engine.resources.asked import Asked
from engine.resources.resource import Desired
from engine.spec.kafka_names import heartbeat_topic, signal_topic, topic_name, transaction_topic
from engine.spec.target import Topic
from engine.state.canonical import Json

KIND = "topic"
CONFIG = "config."
PARTITIONS = "partitions"
REPLICATION = "replication_factor"
NAMESPACE = "namespace"
SERVICE_RETENTION = timedelta(days=1)
"""Nobody reads heartbeats, transaction boundaries and signals later on."""


def topic_address(name: str) -> str:
    """The address of a topic's resource."""
    return f"{KIND}.{name}"


def topics_of(asked: Asked) -> tuple[Desired, ...]:
    """The topics of a pipeline on a Kafka target; none while it has no collections."""
    kafka = asked.target.transport.kafka
    if kafka is None or not asked.namespaces:
        return ()
    of_collections = [
        _topic(asked, topic_name(asked.target, asked.pipeline, namespace), kafka.topic, namespace)
        for namespace in asked.namespaces
    ]
    names = [make(asked.target, asked.pipeline) for make in (heartbeat_topic, transaction_topic, signal_topic)]
    return (*of_collections, *(_topic(asked, name, kafka.topic, None) for name in names))


def collection_config(topic: Topic) -> dict[str, str]:
    """The settings of a collection's topic, as Kafka names them; what the spec gives by Kafka's name wins."""
    return _config(topic, topic.retention) | topic.config


def _config(topic: Topic, retention: timedelta) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "max.message.bytes": str(topic.max_message_size),
        "min.insync.replicas": str(topic.in_sync),
        "retention.ms": str(round(retention.total_seconds() * 1000)),
    }


def _topic(asked: Asked, name: str, topic: Topic, namespace: str | None) -> Desired:
    is_service = namespace is None
    config: Mapping[str, str] = _config(topic, SERVICE_RETENTION) if is_service else collection_config(topic)
    attributes: dict[str, Json] = {f"{CONFIG}{key}": value for key, value in config.items()}
    attributes |= {
        "name": name,
        PARTITIONS: 1 if is_service else topic.partitions,
        REPLICATION: topic.replication_factor,
    }
    if namespace is not None:
        attributes[NAMESPACE] = namespace
    return Desired(
        address=topic_address(name),
        kind=KIND,
        title=name,
        pipeline=asked.pipeline.pipeline,
        attributes=attributes,
    )
