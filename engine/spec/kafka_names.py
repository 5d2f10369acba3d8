"""The names of what a pipeline has in Kafka and Kafka Connect, spelled as Debezium spells them.

Each pipeline has a connector and a topic prefix of its own: two connectors that wrote to the same topics would
double every change of a collection that both follow.
"""

from __future__ import annotations

import re

from engine.spec.pipeline import Pipeline
from engine.spec.target import Target

MAX_TOPIC_NAME = 249
"""Kafka's bound; Debezium cuts a longer name off there."""

HEARTBEAT_PREFIX = "__debezium-heartbeat"
"""Debezium's ``topic.heartbeat.prefix``, left at its default: other tools know it."""

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._-]")
_TWO_UNITS = re.compile(r"[\U00010000-\U0010ffff]")


def topic_prefix(target: Target, pipeline: Pipeline) -> str:
    """Debezium's ``topic.prefix``: what all topics of a pipeline begin with."""
    kafka = target.transport.kafka
    first = target.target if kafka is None else kafka.topic_prefix or target.target
    return f"{first}.{pipeline.pipeline}"


def connector_name(target: Target, pipeline: Pipeline) -> str:
    """The connector's name in Kafka Connect."""
    return topic_prefix(target, pipeline)


def topic_name(target: Target, pipeline: Pipeline, namespace: str) -> str:
    """The topic that Debezium writes the changes of one collection (``database.collection``) to."""
    return sanitized(f"{topic_prefix(target, pipeline)}.{namespace}")


def transaction_topic(target: Target, pipeline: Pipeline) -> str:
    """The topic of the begin and end of transactions."""
    return sanitized(f"{topic_prefix(target, pipeline)}.transaction")


def heartbeat_topic(target: Target, pipeline: Pipeline) -> str:
    """The topic of heartbeats."""
    return f"{HEARTBEAT_PREFIX}.{topic_prefix(target, pipeline)}"


def signal_topic(target: Target, pipeline: Pipeline) -> str:
    """The topic in which the connector is asked for another snapshot."""
    return f"{topic_prefix(target, pipeline)}.signals"


def sanitized(name: str) -> str:
    """A name as Debezium makes it fit for a topic: each UTF-16 unit that Kafka does not allow becomes ``_``."""
    units = _TWO_UNITS.sub("__", name)
    return _FORBIDDEN.sub("_", units)[:MAX_TOPIC_NAME]
