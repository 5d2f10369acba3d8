"""Several workers share a table: partitions move, workers die, freeze and come back, and it stays exact (INV-1, 2)."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from engine.telemetry.crash_points import VARIABLE
from tests.faults.nursery import Nursery
from tests.faults.running import Running
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, Event, KafkaTopic
from tests.patience import PATIENCE_S, wait_until

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault]


@pytest.fixture
def others() -> Iterator[list[Running]]:
    """Processes that are ended with the test, however they stand."""
    started: list[Running] = []
    yield started
    for running in started:
        running.send(signal.SIGCONT)
        running.kill()


def rows_appended(running: Running) -> int:
    return sum(event["rows"] for event in running.events if event["event"] == "batch appended")


def is_frozen(running: Running) -> bool:
    return psutil.Process(running.process.pid).status() == psutil.STATUS_STOPPED


def owned(running: Running) -> set[str]:
    """The partitions that the process opened last."""
    opened = [event for event in running.events if event["event"] == "table opened"]
    return {name for name in (opened[-1]["position"] if opened else ()) if name.count(".") == 1}


def test_two_workers_share_the_partitions(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, second_nursery: Nursery
) -> None:
    collection, events = Collection(), []
    project.create()
    workers = [project.start("run", nursery=one) for one in (nursery, second_nursery)]
    until = time.monotonic() + PATIENCE_S
    while not all(map(rows_appended, workers)):
        assert time.monotonic() < until, [worker.text for worker in workers]
        new = collection.changes(40)
        topic.write(new)
        events += new
        time.sleep(0.1)
    for worker in workers:
        worker.send(signal.SIGTERM)
    assert [worker.wait() for worker in workers] == [0, 0]

    project.catch_up(nursery)

    assert project.problems(events, collection) == []


def test_workers_that_come_and_go_lose_and_double_nothing(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, second_nursery: Nursery
) -> None:
    collection, events = Collection(), []
    project.create()

    def write() -> None:
        new = collection.changes(150)
        topic.write(new)
        events.extend(new)

    write()
    first = project.start("run", nursery=nursery)
    assert first.wait_for("batch appended")
    for ending in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        second = project.start("run", nursery=second_nursery)
        write()
        assert second.wait_for("table opened")
        time.sleep(1.0)
        write()
        second.send(ending)
        assert second.wait() == (0 if ending == signal.SIGTERM else -ending), second.text
    first.send(signal.SIGTERM)
    assert first.wait() == 0, first.text

    project.catch_up(nursery)

    assert project.problems(events, collection) == []


def test_a_worker_that_goes_on_from_what_it_knew_when_partitions_come_back_doubles_rows(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, second_nursery: Nursery, others: list[Running]
) -> None:
    collection, events = Collection(), []
    project.create()

    def write() -> None:
        new = collection.changes(100)
        topic.write(new)
        events.extend(new)

    write()
    others.append(project.start("run", nursery=nursery, patch="one_log_for_ever"))
    assert others[0].wait_for("batch appended")
    second = project.start("run", nursery=second_nursery)
    others.append(second)
    assert second.wait_for("table opened")
    until = time.monotonic() + PATIENCE_S
    while not rows_appended(second):
        assert time.monotonic() < until, second.text
        write()
        time.sleep(0.5)
    second.send(signal.SIGTERM)
    second.wait()

    wait_until(lambda: any("twice" in problem for problem in project.problems(events, collection)))


def frozen_in_append(project: KafkaProject, nursery: Nursery, patch: str, at: str) -> Running:
    zombie = project.start("run", nursery=nursery, patch=patch, environment={VARIABLE: at})
    wait_until(lambda: is_frozen(zombie))
    return zombie


def taken_over(project: KafkaProject, nursery: Nursery, events: list[Event]) -> Running:
    """Another worker that has appended all that the frozen one has not."""
    heir = project.start("run", nursery=nursery)
    wait_until(lambda: sum(project.position().get(f"kafka.{one}", 0) for one in range(4)) >= len(events))
    return heir


def test_a_zombie_that_wakes_up_in_the_middle_of_an_append_is_refused(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, second_nursery: Nursery, others: list[Running]
) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(200)
    topic.write(events)
    zombie = frozen_in_append(project, nursery, "freeze_instead", "lake.append.before_commit:2")
    others.append(zombie)
    heir = taken_over(project, second_nursery, events)
    others.append(heir)

    zombie.send(signal.SIGCONT)

    assert zombie.wait_for("table reopens"), zombie.text
    reopened = [event for event in zombie.events if event["event"] == "table reopens"]
    assert reopened[0]["code"] == "commit-conflict"
    for worker in (zombie, heir):
        worker.send(signal.SIGTERM)
        worker.wait()
    project.catch_up(nursery)
    assert project.problems(events, collection) == []


def test_a_zombie_without_a_held_snapshot_doubles_rows(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, second_nursery: Nursery, others: list[Running]
) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(200)
    topic.write(events)
    zombie = frozen_in_append(project, nursery, "freeze_without_fence", "without a fence:2")
    others.append(zombie)
    others.append(taken_over(project, second_nursery, events))

    zombie.send(signal.SIGCONT)

    assert zombie.wait_for("batch appended")
    wait_until(lambda: any("twice" in problem for problem in project.problems(events, collection)))


def test_a_fold_that_was_taken_over_is_not_folded_twice(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, second_nursery: Nursery, others: list[Running]
) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(200)
    topic.write(events)
    zombie = frozen_in_append(project, nursery, "freeze_instead", "lake.fold.before_commit:2")
    others.append(zombie)
    heir = taken_over(project, second_nursery, events)
    others.append(heir)
    assert heir.wait_for("table folded"), heir.text

    zombie.send(signal.SIGCONT)

    assert zombie.wait_for("table reopens"), zombie.text
    for worker in (zombie, heir):
        worker.send(signal.SIGTERM)
        worker.wait()
    project.catch_up(nursery)
    assert project.problems(events, collection) == []
