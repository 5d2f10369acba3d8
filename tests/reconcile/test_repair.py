"""Repairs against a real server: what is wrong is put right through the log, and nothing newer is undone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st
from pymongo.database import Database

from engine.errors import CommitConflict
from engine.lake import change_log
from engine.lake.change_log import ChangeLog
from engine.reconcile import repair as repairing
from engine.reconcile.repair import CHANGED, LATER, SEVERAL, Repaired, repair
from engine.reconcile.result import Result
from engine.reconcile.verdict import Verdict
from engine.source.cluster_time import AFTERWARDS, SNAPSHOT, STREAM, order_text
from engine.source.repair_order import RepairOrders
from engine.telemetry.crash_points import VARIABLE
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.reconcile.comparing import compare, comparing, told
from tests.reconcile.test_reconcile import Row, rewrite

TIMES = st.integers(0, 2**62)


@given(TIMES, TIMES, st.integers(0, 2**48 - 1))
def test_a_repair_stands_behind_its_time_and_ahead_of_everything_newer(read_at: int, other: int, number: int) -> None:
    order = RepairOrders().order(read_at)
    for phase in (SNAPSHOT, STREAM):
        assert (order_text(other, phase, number) < order) == (other <= read_at)
    if other != read_at:
        assert (order_text(other, AFTERWARDS, number, digits=14) < order) == (other < read_at)


def test_orders_grow_while_the_cluster_time_stands_still() -> None:
    orders = RepairOrders()
    made = [orders.order(7) for _ in range(1000)]
    assert made == sorted(set(made))
    assert {len(order) for order in made} == {31}


@pytest.fixture(params=["current", "history", "changes"])
def project(
    request: pytest.FixtureRequest, tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> Project:
    """A table that equals its collection."""
    things = database["things"]
    things.insert_many([{"_id": f"k{number:03d}", "n": number, "deep": {"a": [1.5]}} for number in range(40)])
    made = Project(tmp_path, mongo, things.full_name, mode=request.param)
    made.write()
    made.apply(nursery)
    made.catch_up(nursery)
    return made


def folded(project: Project) -> str:
    return str(getattr(project.paths, project.mode))


def damaged(rows: list[Row]) -> Iterator[Row]:
    """One row gone, one too many, one bent, one of another type, one null that was missing."""
    for row in rows:
        match row["_id"]:
            case "k001":
                continue
            case "k002":
                row["deep"]["a"] = []
            case "k003":
                row["_rescued"] = '{"n":"3"}'
            case "k004":
                row["_rescued"] = '{"extra":null}'
            case "k005":
                yield {**row, "_id": "nobody"}
        yield row


def mend(project: Project) -> tuple[Result, Repaired]:
    with comparing(project) as comparison:
        found = compare(project)
        return found, repair(comparison, found)


@pytest.mark.server
def test_a_repaired_table_reconciles_clean_and_its_log_tells_which_run_repaired_it(
    project: Project, nursery: Nursery
) -> None:
    rewrite(folded(project), damaged)
    found, repaired = mend(project)
    assert len(told(found)) == 5
    assert repaired == Repaired(5, {})

    project.catch_up(nursery)

    assert compare(project).exit_code == 0
    assert ChangeLog.open(project.paths.changes).position()[f"repair.{found.run}"] == 5


@pytest.mark.server
def test_a_repair_never_wins_over_a_change_that_comes_while_it_is_made(
    project: Project, database: Database[Any], nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes before, at and after the read; the repair is appended before any of them reaches the log."""
    things = database["things"]
    rewrite(folded(project), damaged)

    def race(point: str) -> None:
        if point == "reconcile.repair.before_read":
            things.update_one({"_id": "k001"}, {"$set": {"n": Decimal128("1.10")}})
            things.delete_one({"_id": "k004"})
        if point == "reconcile.repair.after_read":
            things.update_one({"_id": "k002"}, {"$set": {"n": -2}})
            things.delete_one({"_id": "k003"})
            things.insert_one({"_id": "nobody", "n": 0})

    monkeypatch.setattr(repairing, "reach", race)
    _, repaired = mend(project)
    assert repaired == Repaired(4, {"k004": CHANGED})

    project.catch_up(nursery)

    assert told(compare(project)) == {}


@pytest.mark.server
@pytest.mark.parametrize("project", ["current"], indirect=True)
def test_the_command_repairs_only_when_somebody_agrees(project: Project, nursery: Nursery) -> None:
    rewrite(folded(project), damaged)
    before = ChangeLog.open(project.paths.changes).version()

    unasked = project.start("reconcile", "--repair", nursery=nursery)
    assert unasked.wait() == 2, unasked.text
    dry = project.start("reconcile", "--repair", "--dry-run", nursery=nursery)
    assert dry.wait() == 5, dry.text
    assert "delete nobody" in dry.text
    assert ChangeLog.open(project.paths.changes).version() == before

    assert project.start("reconcile", "--repair", "--yes", nursery=nursery).wait() == 5
    project.catch_up(nursery)
    project.finish("reconcile", nursery=nursery)


@pytest.mark.server
@pytest.mark.parametrize("project", ["current"], indirect=True)
def test_a_repair_that_is_killed_anywhere_is_repeated_without_a_second_event(
    project: Project, nursery: Nursery
) -> None:
    """The last kill is after the commit: from then on the events are on their way, and nobody appends them anew."""
    rewrite(folded(project), damaged)
    before = ChangeLog.open(project.paths.changes).version()

    for point in ("reconcile.repair.after_read", "lake.append.before_commit", "lake.append.after_commit"):
        killed = project.start("reconcile", "--repair", "--yes", nursery=nursery, environment={VARIABLE: point})
        assert killed.wait() == -signal.SIGKILL, killed.text
    again = project.start("reconcile", "--repair", "--yes", nursery=nursery)
    assert again.wait() == 6, again.text
    assert ChangeLog.open(project.paths.changes).version() == before + 1
    project.catch_up(nursery)

    assert compare(project).exit_code == 0


@pytest.mark.server
@pytest.mark.parametrize("project", ["current"], indirect=True)
def test_of_two_repairs_at_once_one_gives_way_and_the_table_is_right(
    project: Project, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(folded(project), damaged)
    found = compare(project)
    others: list[Repaired] = []

    def overtake(point: str) -> None:
        if point == "lake.append.before_commit":
            monkeypatch.setattr(change_log, "reach", lambda _: None)
            with comparing(project) as comparison:
                others.append(repair(comparison, found))

    monkeypatch.setattr(change_log, "reach", overtake)
    with comparing(project) as comparison, pytest.raises(CommitConflict):
        repair(comparison, found)
    project.catch_up(nursery)

    assert others == [Repaired(5, {})]
    assert compare(project).exit_code == 0


@pytest.mark.server
@pytest.mark.parametrize("project", ["current", "history"], indirect=True)
def test_what_an_event_cannot_put_right_is_said(project: Project) -> None:
    def twice(rows: list[Row]) -> Iterator[Row]:
        for row in rows:
            if row["_id"] == "k001":
                yield row
            yield row | ({"_position": "f" * 29, "n": -1} if row["_id"] == "k002" else {})

    rewrite(folded(project), twice)
    found, repaired = mend(project)
    assert told(found) == {"k001": Verdict.DUPLICATE, "k002": Verdict.MISMATCH}
    assert repaired == Repaired(0, {"k001": SEVERAL, "k002": LATER})
