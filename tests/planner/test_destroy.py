"""Destroy deletes what the state says oplake created, and nothing else."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from engine.errors import UsageError
from engine.planner.destroy import destruction
from engine.planner.explain import explain
from engine.planner.plan import Plan
from engine.resources.change import Action
from tests.planner.worlds import World, decided


def destroy(world: World, *pipelines: str) -> Plan:
    with world.workspace() as workspace:
        plan = destruction(workspace, pipelines)
        workspace.executor(lambda *_: None).start(plan)
        return plan


def folders(world: World) -> list[str]:
    lake = world.root / "lake"
    return sorted(path.parent.relative_to(lake).as_posix() for path in lake.glob("*/*/_delta_log"))


def test_everything_that_was_created_is_deleted(world: World) -> None:
    world.apply()
    world.fill(3)
    plan = destroy(world)
    assert decided(plan) == {"orders/changes": Action.DELETE, "orders/current": Action.DELETE}
    assert "deletes 3 rows of change history" in explain(plan)
    assert "MongoDB is not touched" in explain(plan)
    assert folders(world) == []
    assert decided(world.plan()) == {"orders/changes": Action.CREATE, "orders/current": Action.CREATE}


def test_only_the_pipelines_that_were_named_are_deleted(world: World) -> None:
    world.spec("users")
    world.apply()
    destroy(world, "users")
    assert folders(world) == ["orders/changes", "orders/current"]


def test_a_pipeline_that_was_never_applied_is_an_error(world: World) -> None:
    world.apply()
    with pytest.raises(UsageError, match="nothing was applied for nobody") as caught:
        destroy(world, "nobody")
    assert "orders" in caught.value.remedy


def test_tables_that_oplake_does_not_know_stay(world: World) -> None:
    world.apply()
    write_deltalake(world.root / "lake" / "orders" / "mine", pa.table({"a": [1]}))
    write_deltalake(world.root / "lake" / "other" / "current", pa.table({"a": [1]}))
    destroy(world)
    assert folders(world) == ["orders/mine", "other/current"]


def test_adopted_tables_stay_and_are_forgotten(world: World) -> None:
    world.apply()
    shutil.rmtree(world.root / ".oplake")
    world.apply()
    plan = destroy(world)
    assert "oplake did not create it" in explain(plan)
    assert folders(world) == ["orders/changes", "orders/current"]
    with world.workspace() as workspace:
        assert workspace.applied() == {}


def test_a_table_that_somebody_made_in_the_place_of_ours_stays(world: World) -> None:
    world.apply()
    shutil.rmtree(world.uri("orders/current"))
    write_deltalake(world.uri("orders/current"), pa.table({"a": [1]}))
    destroy(world)
    assert folders(world) == ["orders/current"]


def test_a_table_that_is_gone_already_is_forgotten(world: World) -> None:
    world.apply()
    shutil.rmtree(world.uri("orders/current"))
    plan = destroy(world)
    assert "gone already" in explain(plan)
    with world.workspace() as workspace:
        assert workspace.applied() == {}


def test_destroying_twice_finds_nothing_the_second_time(world: World) -> None:
    world.apply()
    destroy(world)
    assert destroy(world).pending == ()
