"""Two workers that share a topic are killed again and again, at named points and at random (INV-1 to INV-5)."""

from __future__ import annotations

import math
import random
import signal
import threading
import time

import pytest

from engine.telemetry.crash_points import VARIABLE
from tests.faults.nursery import Nursery
from tests.faults.test_crash_points import POINTS
from tests.kafka.project import KafkaProject
from tests.kafka.topic import Collection, Event, KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault]

KILLS = 10
CHANGES_A_KILL = 900
"""The most: a slow machine must not have the more to catch up with, the longer a worker takes to start."""
SEED = 4


class Writer(threading.Thread):
    """Writes changes at a steady rate, and tells every tenth of them twice, as a connector that restarts."""

    def __init__(self, topic: KafkaTopic, collection: Collection, most: float = math.inf) -> None:
        super().__init__(name="writer", daemon=True)
        self._topic, self.collection = topic, collection
        self._stopped = threading.Event()
        self.events: list[Event] = []
        self.most = most
        """It rests when it has written so many."""

    def run(self) -> None:
        while not self._stopped.is_set():
            if len(self.events) < self.most:
                new = self.collection.changes(30)
                self._topic.write([*new, *new[-3:]])
                self.events += new
            self._stopped.wait(0.1)

    def finish(self) -> None:
        self._stopped.set()
        self.join()


@pytest.mark.parametrize("mode", ["current", "history"])
def test_a_death_at_any_named_point_loses_and_doubles_nothing(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, mode: str
) -> None:
    project.mode = mode
    project.write()
    project.create()
    collection, events = Collection(), []
    for number, at in enumerate(POINTS):
        new = [*collection.changes(60), collection.put(f"new {number}", **{f"new_{number}": number})]
        topic.write(new)
        events += new

        running = project.start("run", nursery=nursery, environment={VARIABLE: at})

        assert running.wait() == -signal.SIGKILL, f"{at} was not reached:\n{running.text}"
    project.catch_up(nursery)
    assert project.problems(events, collection) == []


def test_random_deaths_of_two_workers_lose_and_double_nothing(
    project: KafkaProject, topic: KafkaTopic, nursery: Nursery, second_nursery: Nursery
) -> None:
    chance = random.Random(SEED)  # noqa: S311  repeatable, not secret
    collection = Collection()
    project.create()
    writer = Writer(topic, collection, most=0)
    writer.start()
    nurseries = (nursery, second_nursery)
    workers = [project.start("run", nursery=one) for one in nurseries]
    commits = 0
    for _ in range(KILLS):
        writer.most += CHANGES_A_KILL
        number = chance.randrange(2)
        assert workers[number].wait_for(chance.choice(["table opened", "partitions moved"])), workers[number].text
        time.sleep(chance.uniform(0, 1.5))
        assert workers[number].kill() == -signal.SIGKILL, workers[number].text
        commits += sum(event["event"] == "batch appended" for event in workers[number].events)
        workers[number] = project.start("run", nursery=nurseries[number])
    writer.finish()
    for worker in workers:
        worker.send(signal.SIGTERM)
        worker.wait()

    project.catch_up(nursery)

    assert commits, "none of those that were killed had committed anything: nothing was tried"
    assert project.problems(writer.events, collection) == []
