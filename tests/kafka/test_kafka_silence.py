"""A client that hands on nothing of a partition is made anew, and nothing is lost or doubled by it (INV-2)."""

from __future__ import annotations

import time
import uuid
from functools import partial

import pytest
from confluent_kafka import Message

from engine.errors import PartitionsMoved, SourceUnreachable
from engine.source import kafka as kafka_source
from engine.source.batch import Position
from engine.source.kafka import KafkaFeed, KafkaSource
from engine.source.kafka_group import Membership
from engine.source.plain_changes import Messages
from engine.source.silence import Silence
from tests.kafka.broker import TestBroker
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault]

PATIENCE_S = 30.0
DEAF_TO = 2


def test_a_client_that_lost_a_partition_is_made_anew(
    kafka: TestBroker, project: KafkaProject, topic: KafkaTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_source, "Silence", partial(Silence, check_every_s=0.5))
    lost: list[Membership] = []
    read = Membership.read

    def deaf(self: Membership, most: int, timeout_s: float) -> list[Message]:
        lost.append(self)
        found = read(self, most, timeout_s)
        return [one for one in found if self is not lost[0] or one.partition() != DEAF_TO]

    monkeypatch.setattr(Membership, "read", deaf)
    collection = Collection()
    for partition in range(topic.partitions):
        topic.write_to(partition, collection.changes(10))
    settings = {"bootstrap.servers": kafka.bootstrap_servers}
    feed = KafkaFeed(topic.name, uuid.uuid4().hex, settings, Messages(project.namespace), begin_with_data=True)

    position, stuck = read_all(feed, {f"kafka.{one}": 10 for one in range(topic.partitions)})

    assert [str(DEAF_TO) in str(error) for error in stuck] == [True]
    assert {position[f"kafka.{one}"] for one in range(topic.partitions)} == {10}
    feed.close()


def read_all(feed: KafkaFeed, goal: Position) -> tuple[Position, list[SourceUnreachable]]:
    """Read as a run does until the goal: after an error from the committed position."""
    committed: dict[str, int] = {}
    stuck: list[SourceUnreachable] = []
    source: KafkaSource | None = None
    until = time.monotonic() + PATIENCE_S
    while any(committed.get(name, 0) < at for name, at in goal.items()) and time.monotonic() < until:
        try:
            source = source or feed.open(committed, lambda: committed)
            committed.update(source.poll(0.2, 100).position)
        except PartitionsMoved:
            source = None
        except SourceUnreachable as error:
            source = None
            stuck.append(error)
    return committed, stuck
