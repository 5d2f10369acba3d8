"""`oplake run` on a Kafka target, against a real broker: the table is the collection, the log has each event once."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from engine.stack.kafka import KafkaBroker
from tests.faults.nursery import Nursery
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, KafkaTopic
from tests.telemetry.collector import collector

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
pytestmark = [pytest.mark.server, pytest.mark.kafka]


def test_a_run_until_caught_up_leaves_the_table_equal_to_the_collection(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    events = collection.changes(300)
    topic.write(events)
    project.create()

    project.catch_up(nursery)
    more = collection.changes(300)
    topic.write(more, headers={"traceparent": TRACEPARENT, "other": "x"})
    with collector() as receiver:
        running = project.start("run", "--until-caught-up", nursery=nursery, environment=receiver.environment)
        assert running.wait() == 0, running.text

    batch = receiver.named("batch")[0]
    assert f"00-{batch.trace_id.hex()}-{batch.parent_span_id.hex()}-01" == TRACEPARENT, "its writer's trace goes on"
    assert project.problems([*events, *more], collection) == []


def test_a_run_with_nothing_new_commits_nothing(project: KafkaProject, topic: KafkaTopic, nursery: Nursery) -> None:
    topic.write(Collection().changes(20))
    project.create()
    project.catch_up(nursery)

    second, third = (project.catch_up(nursery).events for _ in range(2))

    versions = [event["version"] for events in (second, third) for event in events if event["event"] == "table opened"]
    assert len(set(versions)) == 1
    assert not {"batch appended", "position recorded"} & {event["event"] for event in (*second, *third)}


def test_marks_of_transactions_are_no_records_and_aborted_ones_never_arrive(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection, never = Collection(), Collection(number=1000)
    first, second = collection.changes(30), collection.changes(30)
    topic.write_transaction(first)
    topic.write_transaction(never.changes(30), abort=True)
    topic.write_transaction(second)
    project.create()

    project.catch_up(nursery)

    assert project.problems([*first, *second], collection) == []
    assert sum(project.position()[f"kafka.{partition}"] for partition in range(4)) > 90


def test_a_worker_that_is_killed_goes_on_from_its_last_commit(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    events = []
    for _ in range(4):
        new = collection.changes(200)
        topic.write(new)
        events += new
        running = project.start("run", nursery=nursery)
        assert running.wait_for("batch appended")
        assert running.kill() == -signal.SIGKILL

    project.catch_up(nursery)

    assert project.problems(events, collection) == []


@pytest.mark.fault
def test_a_broker_that_is_gone_is_waited_for_and_does_not_hold_up_a_stop(
    tmp_path: Path, nursery: Nursery, second_nursery: Nursery
) -> None:
    with KafkaBroker(tmp_path / "kafka", heap_mb=256) as broker:
        project = KafkaProject(tmp_path / "project", broker.bootstrap_servers, "production")
        project.write()
        project.create()
        topic = KafkaTopic(broker.bootstrap_servers, project.topic)
        topic.create()
        collection = Collection()
        first, second = collection.changes(100), collection.changes(100)
        topic.write(first)
        patient = project.start("run", "--grace", "10m", nursery=nursery)
        stopped = project.start("run", "--grace", "10m", nursery=second_nursery)
        assert patient.wait_for("table opened"), patient.text
        assert stopped.wait_for("table opened"), stopped.text
        broker.kill()

        stopped.send(signal.SIGTERM)

        assert stopped.wait() == 0, stopped.text
        broker.start()
        topic.write(second)
        until = time.monotonic() + 120
        while sum(project.position().get(f"kafka.{one}", 0) for one in range(4)) < len(first) + len(second):
            assert time.monotonic() < until, patient.text
            time.sleep(0.2)
        patient.send(signal.SIGTERM)
        assert patient.wait() == 0, patient.text
        project.catch_up(nursery)
        assert project.problems([*first, *second], collection) == []
