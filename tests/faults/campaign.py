"""Kills a run of `oplake` again and again, at random moments, while a workload writes."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.running import Running
from tests.faults.witness import server_time
from tests.faults.workload import Writer

WRITES_A_SECOND = 100.0
"""Enough for several batches and a fold between two kills."""
WRITES_A_KILL = 100
"""The most: a slow machine must not have the more to catch up with, the longer a process takes to start."""
WRITES_BEFORE = 300
SOON_S = 0.15
WORK_EVENTS = ("batch appended", "columns added", "table folded")


@dataclass
class Campaign:
    """One project, its collection, and everything that was done to it."""

    project: Project
    collection: Collection[Any]
    nursery: Nursery
    seed: int
    patch: str | None = None
    milestones: tuple[str, ...] = ("table opened", "batch appended", "table folded")
    """What a process has logged a random time before it dies."""
    begins_caught_up: bool = False
    """Whether the snapshot is over before the first kill."""
    kills: int = 0
    commits_seen: int = 0
    """Commits that killed processes had logged."""
    writes: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311  repeatable, not secret
        self.project.write()

    def run(self, kills: int, *, from_nothing: int = 0) -> list[str]:
        """Kill a process so many times, let the last one catch up, and say what is wrong.

        Args:
            from_nothing: so many of them are started by the real command, not forked.
        """
        client: MongoClient[Any] = self.collection.database.client
        since = server_time(client)
        writer = Writer(self.collection, self.seed, WRITES_A_SECOND, most=WRITES_BEFORE)
        writer.write(WRITES_BEFORE)
        self.project.apply(self.nursery)
        if self.begins_caught_up:
            self.project.catch_up(self.nursery)
        writer.start()
        try:
            for number in range(kills):
                writer.most += WRITES_A_KILL
                self._kill_one(self.nursery if number >= from_nothing else None)
        finally:
            writer.finish()
        self.writes = writer.written
        self.collection.insert_one({"_id": "last"})
        self.project.catch_up(self.nursery)
        return self.project.problems(self.collection, since, "last")

    def record(self, record_property: Callable[[str, object], None]) -> None:
        """Tell the test's report what was done."""
        record_property("kills", self.kills)
        record_property("writes", self.writes)
        record_property("commits by killed processes", self.commits_seen)

    def _kill_one(self, nursery: Nursery | None) -> None:
        running = self.project.start("run", nursery=nursery, patch=self.patch)
        self._let_it_work(running)
        assert running.kill() == -signal.SIGKILL, running.text
        self.kills += 1
        self.commits_seen += sum(event["event"] in WORK_EVENTS for event in running.events)

    def _let_it_work(self, running: Running) -> None:
        """For a random time from a random milestone on: some die while they start, most while they work."""
        if self._random.random() < 0.1:
            time.sleep(self._random.uniform(0, 2 * SOON_S))
            return
        assert running.wait_for(self._random.choice(self.milestones)), running.text
        time.sleep(self._random.uniform(0, SOON_S))
