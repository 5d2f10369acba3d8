"""When a worker counts as alive, and when as ready."""

from __future__ import annotations

import os

import msgspec
import pytest

from engine.telemetry.counters import Phase, TableCounters
from engine.telemetry.metrics.beats import Beat
from engine.telemetry.metrics.supervised import LATE_AFTER_S, SupervisedVitals
from engine.telemetry.metrics.verdict import LONG_WORK_S, STALLED_AFTER_S, live, ready
from engine.telemetry.metrics.vitals import OwnVitals


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def table(phase: Phase, stepped_at: float | None = 0.0, reason: str = "") -> TableCounters:
    return TableCounters("orders", "shop", phase, reason, stepped_at)


def supervised(clock: Clock, *tables: TableCounters, rest: bytes = b"") -> SupervisedVitals:
    """Of one process that has told of these tables through a pipe; it is not known to be gone."""
    vitals = SupervisedVitals(1, clock)
    reading, writing = os.pipe()
    os.write(writing, msgspec.json.encode(Beat(list(tables))) + b"\n" + rest)
    os.close(writing)
    vitals.started(0, reading).join()
    return vitals


def test_a_loop_that_begins_nothing_new_for_long_is_stalled() -> None:
    assert live([table("streaming")], STALLED_AFTER_S).is_good
    verdict = live([table("streaming")], STALLED_AFTER_S + 1)
    assert verdict.reasons == ("table orders: streaming for 601 s without a step",)


@pytest.mark.parametrize("phase", ["folding", "tidying"])
def test_a_long_fold_is_no_stall(phase: Phase) -> None:
    assert live([table(phase)], LONG_WORK_S).is_good
    assert not live([table(phase)], LONG_WORK_S + 1).is_good


@pytest.mark.parametrize("phase", ["done", "failed"])
def test_a_table_that_is_over_stalls_nobody(phase: Phase) -> None:
    assert live([table(phase)], 1e9).is_good


@pytest.mark.parametrize("phase", ["snapshot", "streaming", "folding", "tidying", "done"])
def test_a_table_at_work_is_ready(phase: Phase) -> None:
    assert ready([table(phase)]).is_good


@pytest.mark.parametrize("phase", ["starting", "joining", "waiting", "failed"])
def test_a_table_that_is_not_at_work_says_why(phase: Phase) -> None:
    (reason,) = ready([table(phase, reason="commit-conflict"), table("streaming")]).reasons
    assert reason.startswith("table orders: ")
    assert reason.endswith("(commit-conflict)")


def test_before_the_tables_are_known_a_process_lives_and_is_not_ready() -> None:
    assert OwnVitals().live().is_good
    assert not OwnVitals().ready().is_good


def test_a_process_that_is_silent_for_long_hangs() -> None:
    clock = Clock()
    vitals = supervised(clock, table("streaming", stepped_at=clock.now))
    assert vitals.live().is_good
    assert vitals.ready().is_good

    clock.now += LATE_AFTER_S + 1

    assert vitals.live().reasons == ("worker 0: nothing heard for 61 s",)


def test_half_a_line_of_a_process_that_was_killed_is_passed_over() -> None:
    vitals = supervised(Clock(), TableCounters("orders", "shop", rows=7), rest=b'{"tables":[{"ta')

    assert vitals.reading().tables[0].rows == 7


def test_a_process_that_is_gone_is_missed_and_its_totals_stay() -> None:
    vitals = supervised(Clock(), TableCounters("orders", "shop", "streaming", rows=7))
    vitals.ended(0)
    assert vitals.ready().reasons == ("worker 0: does not run",)
    assert vitals.reading().tables[0].rows == 7
    assert vitals.reading().processes == 0
    assert vitals.live().is_good


def test_a_supervisor_that_does_not_look_after_its_processes_hangs() -> None:
    clock = Clock()
    vitals = SupervisedVitals(1, clock)
    vitals.watching()
    clock.now += LATE_AFTER_S + 1
    assert vitals.live().reasons == ("the supervisor does not move",)
