"""A connector that restarts tells changes again, at other offsets; the log holds each once (INV-1)."""

from __future__ import annotations

import pytest

from tests.faults.nursery import Nursery
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka]


def test_changes_told_again_are_absorbed_whether_they_are_committed_or_not(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    first, second = collection.changes(100), collection.changes(100)
    topic.write(first)
    project.catch_up(nursery)
    topic.write([*first[50:], *second, *second[30:]])

    running = project.catch_up(nursery)

    assert project.problems([*first, *second], collection) == []
    absorbed = sum(event["rows"] for event in running.events if event["event"] == "changes absorbed")
    assert absorbed == 50 + 70


def test_a_worker_that_does_not_look_doubles_them(project: KafkaProject, topic: KafkaTopic, nursery: Nursery) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(100)
    topic.write([*events, *events[50:]])

    assert project.start("run", "--until-caught-up", nursery=nursery, patch="no_memory_of_changes").wait() == 0

    assert any("twice in the log" in problem for problem in project.problems(events, collection))


def test_a_change_that_comes_late_is_kept_though_later_ones_are_there(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(60)
    topic.write([event for event in events if event.number % 3])
    project.catch_up(nursery)
    topic.write([event for event in events if not event.number % 3])

    project.catch_up(nursery)

    assert project.problems(events, collection) == []


def test_a_worker_that_takes_late_changes_for_repetitions_loses_them(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery
) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(60)
    topic.write(
        [*(event for event in events if event.number % 3), *(event for event in events if not event.number % 3)]
    )

    running = project.start("run", "--until-caught-up", nursery=nursery, patch="late_changes_are_repetitions")

    assert running.wait() == 0, running.text
    assert any("missing" in problem for problem in project.problems(events, collection))
