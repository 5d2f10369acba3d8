"""The group shares out its partitions anew while a worker is at something (INV-1, 2)."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from deltalake import DeltaTable

from engine.errors import PartitionsMoved
from engine.source.batch import Position
from engine.source.kafka import KafkaFeed, KafkaSource
from engine.source.kafka_group import Membership
from engine.source.plain_changes import Messages
from tests.faults.nursery import Nursery
from tests.faults.patches import LATE, NAP
from tests.faults.running import Running
from tests.kafka.broker import TestBroker
from tests.kafka.project import SHORT_SESSIONS, KafkaProject
from tests.kafka.topic import Collection, KafkaTopic
from tests.patience import PATIENCE_S, wait_until

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault]


def stop(worker: Running) -> None:
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0, worker.text


@contextmanager
def in_the_group(kafka: TestBroker, topic: str, group: str) -> Iterator[Membership]:
    """A member that takes what it gets and reads nothing of it."""
    member = Membership(topic, group, {"bootstrap.servers": kafka.bootstrap_servers, **SHORT_SESSIONS})
    over = threading.Event()

    def attend() -> None:
        while not over.is_set():
            member.read(1, 0.1)

    thread = threading.Thread(target=attend, daemon=True)
    thread.start()
    try:
        yield member
    finally:
        over.set()
        thread.join()
        member.close()


@pytest.fixture
def narrow(kafka: TestBroker, project: KafkaProject) -> Iterator[KafkaTopic]:
    """The collection's topic with a single partition."""
    with KafkaTopic(kafka.bootstrap_servers, project.topic, partitions=1) as made:
        yield made


def test_a_run_that_ends_by_itself_leaves_nothing_unfolded_whoever_has_the_first_partition(
    kafka: TestBroker, project: KafkaProject, narrow: KafkaTopic, nursery: Nursery
) -> None:
    project.fold_every = "1h"
    project.write()
    project.create()
    collection = Collection()
    events = collection.changes(100)
    narrow.write(events)
    first = project.start("run", nursery=nursery)
    wait_until(lambda: project.position().get("kafka.0", 0) >= len(events))
    stop(first)
    assert not DeltaTable.is_deltatable(project.paths.current)

    with in_the_group(kafka, narrow.name, f"oplake.{project.target}.{project.name}") as other:
        wait_until(lambda: other.owned == {0})
        project.catch_up(nursery)
        assert other.owned == {0}

    assert project.problems(events, collection) == []


def next_of(source: KafkaSource) -> int:
    """The offset of the next record."""
    until = time.monotonic() + PATIENCE_S
    while not len(batch := source.poll(0.2, 5)):
        assert time.monotonic() < until, "nothing comes"
    return batch.position["kafka.0"] - len(batch)


def read_for(seconds: float, source: KafkaSource) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        source.poll(0.2, 5)


def test_every_sharing_out_goes_back_to_the_tables_position_even_when_ours_stay_ours(
    kafka: TestBroker, project: KafkaProject, narrow: KafkaTopic
) -> None:
    narrow.write(Collection().changes(40, keys=1000))
    group = f"oplake.{project.target}.alone"
    settings = {"bootstrap.servers": kafka.bootstrap_servers, **SHORT_SESSIONS}
    feed = KafkaFeed(narrow.name, group, settings, Messages(project.namespace), begin_with_data=True)
    committed: Position = {"kafka.0": 3}

    def opened() -> KafkaSource:
        return feed.open(committed, lambda: committed)

    source = opened()
    with pytest.raises(PartitionsMoved):
        next_of(source)
    source = opened()
    assert next_of(source) == 3
    source.acknowledge({"kafka.0": 30})
    with in_the_group(kafka, narrow.name, group):
        with pytest.raises(PartitionsMoved):
            read_for(PATIENCE_S, source)
        source = opened()
        assert source.position["kafka.0"] == 3
        assert next_of(source) == 3
        feed.close()


@pytest.mark.parametrize(("budget_ms", "nap_s"), [("60000", "2"), ("2000", "6")], ids=["in time", "too late"])
def test_partitions_that_are_taken_away_during_a_commit_go_on_after_it_or_without_it(
    project: KafkaProject,
    topic: KafkaTopic,
    nursery: Nursery,
    second_nursery: Nursery,
    budget_ms: str,
    nap_s: str,
) -> None:
    project.client = {"max.poll.interval.ms": budget_ms}
    project.write()
    project.create()
    collection = Collection()
    events = collection.changes(200)
    topic.write(events)
    busy = project.start("run", nursery=nursery, patch="late_append", environment={NAP: nap_s})
    assert busy.wait_for(LATE), busy.text

    heir = project.start("run", nursery=second_nursery)

    wait_until(lambda: sum(project.position().get(f"kafka.{one}", 0) for one in range(4)) >= len(events))
    if nap_s == "6":
        assert busy.wait_for("table reopens"), busy.text
    for worker in (busy, heir):
        stop(worker)
    refused = [event["code"] for event in busy.events if event["event"] == "table reopens"]
    assert refused == (["commit-conflict"] if nap_s == "6" else [])
    project.catch_up(nursery)
    assert project.problems(events, collection) == []
