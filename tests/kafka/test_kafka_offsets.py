"""Offsets that the topic does not hold any more stop the table, whatever the group says (INV-2)."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, TopicPartition

from engine.lake.change_log import ChangeLog
from tests.faults.checker import Rows
from tests.faults.nursery import Nursery
from tests.faults.running import Running
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka]


def failure(running: Running) -> dict[str, str]:
    assert running.wait() == 1, running.text
    (failed,) = [event for event in running.events if event["event"] == "table failed"]
    return failed


def test_records_that_retention_has_taken_stop_the_table(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    topic.write(collection.changes(80))
    project.catch_up(nursery)
    before = project.position()
    topic.write(collection.changes(200))
    topic.forget()

    failed = failure(project.start("run", "--until-caught-up", nursery=nursery))

    assert failed["code"] == "resume-point-lost"
    assert "and begins at" in failed["what"]
    assert "oplake destroy" in failed["help"]
    assert project.position() == before


def test_records_that_retention_takes_while_a_worker_reads_stop_the_table(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    topic.write(collection.changes(80))
    running = project.start("run", nursery=nursery, patch="offsets_of_another_topic")

    assert failure(running)["code"] == "resume-point-lost"


def test_a_topic_that_lost_its_beginning_fills_no_new_table(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    project.create()
    topic.write(Collection().changes(80))
    topic.forget()

    failed = failure(project.start("run", "--until-caught-up", nursery=nursery))

    assert failed["code"] == "resume-point-lost"
    assert "and begins at" in failed["what"]
    assert Rows.read(project.paths.changes).rows == []


def test_a_topic_that_ends_before_the_tables_place_stops_it(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    """As after the election of a leader that had fewer records."""
    project.create()
    topic.write(Collection().changes(80))
    project.catch_up(nursery)
    log = ChangeLog.open(project.paths.changes)
    log.record_position({"kafka.1": log.position()["kafka.1"] + 5})
    before = project.position()

    failed = failure(project.start("run", "--until-caught-up", nursery=nursery))

    assert failed["code"] == "resume-point-lost"
    assert "and ends at" in failed["what"]
    assert project.position() == before


def test_a_topic_that_was_made_again_is_not_read_from_the_old_offsets(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    topic.write(collection.changes(40))
    project.catch_up(nursery)
    topic.delete()
    topic.create()
    topic.write(collection.changes(200))

    failed = failure(project.start("run", "--until-caught-up", nursery=nursery))

    assert failed["code"] == "resume-point-lost"
    assert "made again" in failed["what"]


def test_the_table_decides_where_to_go_on_and_not_the_group(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    first, second = collection.changes(60), collection.changes(60)
    topic.write(first)
    project.catch_up(nursery)
    topic.write(second)
    group = {"bootstrap.servers": project.bootstrap, "group.id": f"oplake.{project.target}.things"}
    other = Consumer(group)
    other.commit(offsets=[TopicPartition(topic.name, one, 10**6) for one in range(4)], asynchronous=False)
    other.close()

    project.catch_up(nursery)

    assert project.problems([*first, *second], collection) == []


def test_the_group_is_told_how_far_the_table_is(project: KafkaProject, topic: KafkaTopic, nursery: Nursery) -> None:
    project.create()
    topic.write(Collection().changes(60))
    project.catch_up(nursery)

    watcher = Consumer({"bootstrap.servers": project.bootstrap, "group.id": f"oplake.{project.target}.things"})
    noted = watcher.committed([TopicPartition(topic.name, one) for one in range(4)], timeout=10)
    watcher.close()

    position = ChangeLog.open(project.paths.changes).position()
    assert {f"kafka.{place.partition}": place.offset for place in noted} == {
        name: value for name, value in position.items() if name.count(".") == 1
    }
