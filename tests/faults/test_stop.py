"""How a run is stopped, with the real command and real signals (INV-6)."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from bson import Timestamp
from pymongo.database import Database

from engine.runtime.stopping import EXIT_INCOMPLETE
from tests.faults.checker import Rows
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.running import Running
from tests.faults.witness import server_time
from tests.faults.workload import Writer

pytestmark = [pytest.mark.server, pytest.mark.fault]

SOON_S = 10.0
"""Far below the minute that the batch, or the patched store, would take."""


class Stopped:
    """A project whose batches are finished by nothing but a stop: they wait for more rows for a minute."""

    def __init__(self, folder: Path, mongo: str, database: Database[Any], nursery: Nursery) -> None:
        self.things, self.nursery = database["things"], nursery
        self.project = Project(folder, mongo, self.things.full_name, max_rows=100_000, max_age="60s", fold_every="1h")
        self.project.write()
        self.since: Timestamp = server_time(database.client)
        self.writer = Writer(self.things, seed=31, rate=1)
        self.writer.write(100)
        self.project.apply(nursery)
        self.project.catch_up(nursery)

    def start_with_a_batch_in_hand(self, patch: str | None = None, *words: str) -> Running:
        self.writer.write(50)
        nursery = self.nursery if patch else None
        running = self.project.start("run", *words, nursery=nursery, patch=patch)
        assert running.wait_for("table opened")
        time.sleep(2.0)  # polled, and held: nothing says so, by design
        return running

    def rows(self) -> int:
        return len(Rows.read(self.project.paths.changes).rows)

    def problems(self) -> list[str]:
        """After a resume."""
        self.things.insert_one({"_id": "last"})
        self.project.catch_up(self.nursery)
        return self.project.problems(self.things, self.since, "last")


@pytest.fixture
def stopped(tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery) -> Stopped:
    return Stopped(tmp_path, mongo, database, nursery)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_batch_and_exits_0(stopped: Stopped, number: signal.Signals) -> None:
    before = stopped.rows()
    running = stopped.start_with_a_batch_in_hand()
    assert stopped.rows() == before

    running.send(number)

    assert running.wait(SOON_S) == 0, running.text
    *_, appended, closed = running.events
    assert (appended["event"], closed["event"], closed["reason"]) == ("batch appended", "table closed", "stopped")
    assert stopped.rows() == before + appended["rows"]
    assert stopped.problems() == []


def test_a_second_signal_exits_at_once_and_the_resume_is_exact(stopped: Stopped) -> None:
    before = stopped.rows()
    running = stopped.start_with_a_batch_in_hand("slow_appends")
    running.send(signal.SIGTERM)
    time.sleep(0.5)
    assert running.process.returncode is None
    running.send(signal.SIGTERM)

    assert running.wait(SOON_S) == EXIT_INCOMPLETE
    assert stopped.rows() == before
    assert stopped.problems() == []


def test_the_end_of_the_grace_exits_like_a_second_signal(stopped: Stopped) -> None:
    running = stopped.start_with_a_batch_in_hand("slow_appends", "--grace", "500ms")

    running.send(signal.SIGTERM)

    assert running.wait(SOON_S) == EXIT_INCOMPLETE
    assert stopped.problems() == []


def test_a_signal_while_the_process_starts_stops_it_before_it_has_done_anything(stopped: Stopped) -> None:
    before = stopped.rows()
    stopped.writer.write(50)
    running = stopped.project.start("run")
    time.sleep(0.35)

    running.send(signal.SIGTERM)

    # Before the command line itself is loaded nobody handles signals: then the signal just ends it.
    assert running.wait(60) in {0, -signal.SIGTERM}
    assert stopped.rows() == before
    assert stopped.problems() == []
