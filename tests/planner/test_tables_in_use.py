"""A table that a run is writing is changed in place, and never deleted under it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.planner.destroy import destruction
from engine.planner.gate import TableInUse
from engine.state.runs import Runs
from tests.planner.worlds import World


@contextmanager
def run_of(world: World, *tables: str) -> Iterator[None]:
    with world.workspace() as workspace:
        runs = Runs(workspace.database, "local")
        runs.enter(tables)
        yield
        runs.leave()


def test_a_replace_is_refused_while_a_run_writes_the_table(world: World) -> None:
    world.apply()
    world.fill(3)
    world.spec(partition_by=[])
    with run_of(world, "orders"):
        with pytest.raises(TableInUse, match=r"orders: process \d+ on ") as caught:
            world.apply(allow_replace=True)
        assert "SIGTERM" in caught.value.remedy
        with world.workspace() as workspace:
            assert workspace.unfinished() is None
    assert world.apply(allow_replace=True).steps == 4


def test_a_destroy_is_refused_while_a_run_writes_the_table(world: World) -> None:
    world.apply()
    with run_of(world, "orders"), world.workspace() as workspace, pytest.raises(TableInUse):
        workspace.executor(lambda *_: None).start(destruction(workspace))


def test_a_run_of_another_table_is_in_nobodys_way(world: World) -> None:
    world.spec("users")
    world.apply()
    world.spec(partition_by=[])
    with run_of(world, "users"):
        assert world.apply(allow_replace=True).steps == 4


def test_what_is_changed_in_place_needs_no_stop(world: World) -> None:
    world.apply()
    world.spec(maintenance={"vacuum": {"retain": "14d"}})
    with run_of(world, "orders"):
        assert world.apply().steps == 2
