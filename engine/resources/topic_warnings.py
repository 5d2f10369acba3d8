"""What the brokers that are there mean for the topics that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.resources.asked import Asked
from engine.resources.notice import Notice
from engine.resources.topic_desired import collection_config
from engine.spec.target import Topic


def topic_warnings(asked: Sequence[Asked], brokers: int) -> Iterator[Notice]:
    """Notices on the target's topic settings; they are the same for all its pipelines."""
    first = next((one for one in asked if one.target.transport.kafka is not None), None)
    if first is None or first.target.transport.kafka is None:
        return
    topic = first.target.transport.kafka.topic
    yield from _replicas(first, topic, brokers)
    yield from _in_sync(first, topic, brokers)
    policy = collection_config(topic).get("cleanup.policy", "")
    if "compact" in policy:
        yield Notice(
            "warning",
            "compacted-topic",
            "compaction removes changes that a newer one of the same document follows: a table that is behind never "
            "sees them, and a history is no longer exact",
            _where(first, "config", "cleanup.policy"),
            "leave cleanup.policy at delete",
        )


def _replicas(asked: Asked, topic: Topic, brokers: int) -> Iterator[Notice]:
    if topic.replication_factor > brokers:
        yield Notice(
            "error",
            "too-many-replicas",
            f"topics shall have {topic.replication_factor} copies, and there are {brokers} brokers",
            _where(asked, "replication_factor"),
            f"add brokers, or write `replication_factor: {brokers}`",
        )


def _in_sync(asked: Asked, topic: Topic, brokers: int) -> Iterator[Notice]:
    wanted = int(collection_config(topic)["min.insync.replicas"])
    where = _where(asked, "min_insync_replicas")
    if wanted > topic.replication_factor:
        yield Notice(
            "error",
            "too-few-replicas",
            f"min.insync.replicas is {wanted}, and there are only {topic.replication_factor} copies: nothing could "
            "be written",
            where,
            f"write `min_insync_replicas: {min(2, topic.replication_factor)}`",
        )
    elif brokers == 1:
        yield Notice(
            "warning",
            "single-broker",
            "there is a single broker: min.insync.replicas means nothing, and a message is lost with its disk",
            where,
            "for production, three brokers, three copies and min_insync_replicas: 2",
        )
    elif wanted == topic.replication_factor and wanted > 1:
        yield Notice(
            "warning",
            "no-spare-replica",
            f"all {wanted} copies must be in sync: nothing can be written while one broker restarts",
            where,
            f"write `min_insync_replicas: {wanted - 1}`, or add a copy",
        )
    elif wanted == 1 and topic.replication_factor > 1:
        yield Notice(
            "warning",
            "unsafe-acks",
            "one copy in sync is enough: a message that counts as written is lost when that broker fails",
            where,
            "write `min_insync_replicas: 2`",
        )


def _where(asked: Asked, *keys: str) -> str:
    path = ("transport", "kafka", "topic", *keys)
    return asked.place("target", path) or f"target {asked.target.target}: {'.'.join(path)}"
