"""Several processes read one collection, and end together: when one fails, is killed, or somebody interrupts them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo.database import Database

from engine.errors import OperatorError
from engine.reconcile.first_pass import Plan, make_plan
from engine.reconcile.job import Comparison
from engine.reconcile.kept_chunks import ChunkPlace, KeptChunks, checkpoints_of
from engine.reconcile.local_executor import LocalExecutor
from engine.reconcile.scan_order import ScanOrder, go_on
from engine.reconcile.source_scan import ChunkLimits
from engine.reconcile.spill_folder import FOLDER, SpillFolder
from engine.reconcile.worker_ends import ended_early
from engine.state.reconciliations import Reconciliations
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.running import Running
from tests.faults.spec_folder import OPLAKE
from tests.patience import wait_until
from tests.reconcile.comparing import comparing

pytestmark = [pytest.mark.server, pytest.mark.fault]

DOCUMENTS, CHUNK, WORKERS = 600, 5, 2
RATE = 2048
"""Bytes a second: so slow that a share takes some twenty seconds, and a chunk one."""


@pytest.fixture
def project(tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery) -> Project:
    """A table that equals its collection."""
    things = database["things"]
    things.insert_many([{"_id": number, "text": "x" * 250} for number in range(DOCUMENTS)])
    made = Project(tmp_path, mongo, things.full_name, max_rows=5000)
    made.write()
    made.apply(nursery)
    made.catch_up(nursery)
    return made


def begun(comparison: Comparison) -> tuple[Plan, KeptChunks]:
    """A pass of several shares, of which nothing is read."""
    plan = make_plan(comparison, "one", WORKERS)
    hold = Reconciliations(comparison.database, "local").begin(plan.run, "things", "full", plan.as_json()).hold
    folder = SpillFolder.of(comparison.root, plan.run, hold.number)
    folder.path.mkdir(parents=True)
    place = ChunkPlace(hold, comparison.job.target.state_url(comparison.root), folder)
    return plan, KeptChunks(checkpoints_of(comparison.database, hold), place)


def scan(comparison: Comparison, plan: Plan, kept: KeptChunks, look: Callable[[], None] = go_on) -> None:
    fixed = (plan.began, comparison.rules, comparison.open_side().columns, plan.key, plan.buckets)
    orders = [
        ScanOrder(comparison.job.namespace, "primary", share, *fixed, ChunkLimits(CHUNK), RATE / WORKERS)
        for share in plan.shares
    ]
    uri = comparison.job.target.mongodb.uri.reveal()
    LocalExecutor(uri, WORKERS).scan(orders, kept, lambda _: None, look)


def test_when_one_share_fails_the_others_stop_and_none_is_begun(project: Project) -> None:
    with comparing(project) as comparison:
        plan, kept = begun(comparison)
        kept.place.folder.chunk(1, 0).mkdir()

        with pytest.raises(IsADirectoryError):
            scan(comparison, plan, kept)

        assert not multiprocessing.active_children()
        standings = kept.standings(len(plan.shares))
        assert not any(standing.is_done for standing in standings)
        assert not any(standing.chunks for standing in standings[WORKERS:])


class Enough(Exception):
    """Somebody cancels."""


def test_whoever_asks_for_an_end_need_not_wait_for_a_share(project: Project) -> None:
    with comparing(project) as comparison:
        plan, kept = begun(comparison)

        def look() -> None:
            if any(standing.chunks for standing in kept.standings(len(plan.shares))):
                raise Enough

        with pytest.raises(Enough):
            scan(comparison, plan, kept, look)

        assert not multiprocessing.active_children()
        assert not any(standing.is_done for standing in kept.standings(len(plan.shares)))


class Interrupted(KeptChunks):
    """Somebody interrupts when the first share is handed out, and others are not yet."""

    looks = 0

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401  of any name
        if name == "place":
            self.looks += 1
            if self.looks > 1:
                os.kill(os.getpid(), signal.SIGINT)
        return super().__getattribute__(name)


def test_an_interrupt_while_processes_are_started_waits_for_no_share(project: Project) -> None:
    with comparing(project) as comparison:
        plan, kept = begun(comparison)
        interrupted = Interrupted(checkpoints_of(comparison.database, kept.place.hold), kept.place)

        def handler(*_: object) -> None:
            raise Enough

        before = signal.signal(signal.SIGINT, handler)
        try:
            with pytest.raises(Enough):
                scan(comparison, plan, interrupted)
        finally:
            signal.signal(signal.SIGINT, before)

        wait_until(lambda: not multiprocessing.active_children())
        assert not any(standing.is_done for standing in kept.standings(len(plan.shares)))


@pytest.mark.parametrize(
    ("number", "told", "remedy"),
    [
        (signal.SIGKILL, r"was killed \(SIGKILL\)", "fewer workers"),
        (signal.SIGSEGV, r"crashed \(SIGSEGV\)", "fault of oplake"),
        (signal.SIGTERM, r"was ended by somebody \(SIGTERM\)", "happens again"),
    ],
)
def test_a_worker_that_ends_early_ends_the_pass_with_how_and_what_to_do(
    project: Project, number: signal.Signals, told: str, remedy: str
) -> None:
    with comparing(project) as comparison:
        plan, kept = begun(comparison)

        def look() -> None:
            if any(standing.chunks for standing in kept.standings(len(plan.shares))):
                os.kill(multiprocessing.active_children()[0].pid or 0, number)

        with pytest.raises(OperatorError, match=told) as failed:
            scan(comparison, plan, kept, look)

        assert remedy in failed.value.remedy
        assert "--resume" in failed.value.remedy


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([-15, 3, None], "ended by itself, with exit code 3"),
        ([-15, 0], "ended by itself, with exit code 0"),
        ([0, -9], "was killed"),
        ([-15, -64], "SIGRTMAX"),
        ([-63], "signal 63"),
        ([], "ended before its work was done"),
    ],
)
def test_how_the_one_ended_that_broke_the_pool_is_told(codes: list[int | None], told: str) -> None:
    assert told in ended_early(codes, 2).what


def lives(process: psutil.Process) -> bool:
    """Nobody may be there to bury one that ended."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_an_interrupt_ends_all_processes_at_once_and_the_pass_can_be_resumed(project: Project) -> None:
    words = ["--workers", str(WORKERS), "--chunk-rows", str(CHUNK), "--project", str(project.folder)]
    none = subprocess.DEVNULL
    process = subprocess.Popen(
        [OPLAKE, "reconcile", "--max-rate", "2KiB", *words],
        stdin=none,
        stdout=none,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    running = Running(process)
    wait_until(lambda: running.has_ended or any((project.folder / FOLDER).glob("*/source-*.arrow")))
    workers = psutil.Process(process.pid).children(recursive=True)

    os.killpg(process.pid, signal.SIGINT)

    assert (running.wait(), running.text.strip()) == (130, "interrupted")
    assert len(workers) > WORKERS
    wait_until(lambda: not any(map(lives, workers)))
    assert project.start("reconcile", "--resume", *words[:4]).wait() == 0
