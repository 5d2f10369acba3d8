"""`oplake run --workers N`: processes that share the partitions under a supervisor."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psutil
import pytest

from tests.faults.running import Running
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka]

PATIENCE_S = 60.0


def wait_until(condition: Callable[[], bool], running: Running) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, running.text
        time.sleep(0.1)


def pids(running: Running) -> list[int]:
    return [event["pid"] for event in running.events if event["event"] == "worker started"]


def workers_at_work(running: Running) -> set[int]:
    return {event["worker"] for event in running.events if event["event"] == "batch appended"}


def test_workers_catch_up_together(project: KafkaProject, topic: KafkaTopic) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(600)
    topic.write(events)

    running = project.start("run", "--workers", "3", "--until-caught-up")

    assert running.wait() == 0, running.text
    assert len(pids(running)) == 3
    assert project.problems(events, collection) == []


@pytest.mark.fault
def test_a_worker_that_is_killed_is_started_again_and_a_stop_ends_all(project: KafkaProject, topic: KafkaTopic) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(200)
    topic.write(events)
    running = project.start("run", "--workers", "2")
    wait_until(lambda: bool(workers_at_work(running)), running)

    psutil.Process(pids(running)[0]).kill()
    wait_until(lambda: len(pids(running)) == 3, running)
    more = collection.changes(200)
    topic.write(more)
    running.send(signal.SIGTERM)

    assert running.wait() == 0, running.text
    assert not any(map(psutil.pid_exists, pids(running)))
    project.catch_up()
    assert project.problems([*events, *more], collection) == []


@pytest.mark.fault
def test_a_hangup_starts_the_workers_anew_one_after_the_other(project: KafkaProject, topic: KafkaTopic) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(100)
    topic.write(events)
    running = project.start("run", "--workers", "2")
    wait_until(lambda: bool(workers_at_work(running)), running)

    running.send(signal.SIGHUP)
    wait_until(lambda: len(pids(running)) == 4, running)
    running.send(signal.SIGTERM)

    assert running.wait() == 0, running.text
    order = [event["worker"] for event in running.events if event["event"] in ("worker ended", "worker started")]
    assert order[2:6] == [0, 0, 1, 1]
    project.catch_up()
    assert project.problems(events, collection) == []


@pytest.mark.fault
def test_a_second_stop_does_not_wait_for_a_worker_that_hangs(project: KafkaProject, topic: KafkaTopic) -> None:
    project.create()
    topic.write(Collection().changes(50))
    running = project.start("run", "--workers", "1", "--grace", "10m")
    wait_until(lambda: bool(workers_at_work(running)), running)
    (worker,) = map(psutil.Process, pids(running))
    worker.suspend()

    running.send(signal.SIGTERM)
    time.sleep(1)
    running.send(signal.SIGTERM)

    assert running.process.wait(PATIENCE_S) == 6
    worker.resume()
    gone, _ = psutil.wait_procs([worker], timeout=PATIENCE_S)
    assert gone


@pytest.mark.fault
def test_workers_end_with_a_supervisor_that_is_killed(project: KafkaProject, topic: KafkaTopic) -> None:
    project.create()
    topic.write(Collection().changes(50))
    running = project.start("run", "--workers", "2")
    wait_until(lambda: bool(workers_at_work(running)), running)
    workers = [psutil.Process(pid) for pid in pids(running)]

    running.send(signal.SIGKILL)

    gone, alive = psutil.wait_procs(workers, timeout=PATIENCE_S)
    assert not alive
    assert len(gone) == 2


def test_workers_that_die_again_and_again_are_given_up(project: KafkaProject, topic: KafkaTopic) -> None:
    topic.write(Collection().changes(5))

    running = project.start("run", "--workers", "1")  # there is no table

    assert running.wait() == 1
    assert "error[crash-loop]" in running.text
    assert "oplake apply" in running.text
    assert len(pids(running)) == 5


def test_several_workers_of_a_change_stream_are_refused(project: KafkaProject) -> None:
    target = project.folder / "specs/targets/production.yaml"
    target.write_text("target: local\nmongodb: {uri: 'mongodb://127.0.0.1:1/?replicaSet=x'}\nlake: {uri: lake}\n")

    running = project.start("run", "--workers", "2")

    assert running.wait() == 2
    assert "--workers" in running.text
