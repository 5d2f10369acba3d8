"""A real ``oplake apply`` is killed at every point of its way; the next one finishes what it began."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pymongo.database import Database

from engine.planner.apply import apply_scope
from engine.planner.explain import explain
from engine.resources.mongodb_view import open_source
from tests.cli.command_line import START
from tests.planner.worlds import World, how

pytestmark = [pytest.mark.server, pytest.mark.fault]

CREATING = [
    "apply.journal.opened",
    *(f"apply.step.{side}:{number}" for number in (1, 2) for side in ("before", "after")),
    "apply.create.bare:1",
    "apply.create.bare:2",
    "apply.journal.closing",
]
REPLACING = [
    "apply.journal.opened",
    *(f"apply.step.{side}:{number}" for number in (1, 2, 3, 4) for side in ("before", "after")),
    "apply.erase.hidden:1",
    "apply.erase.hidden:2",
    "apply.create.bare:1",
    "apply.create.bare:2",
    "apply.journal.closing",
]


class RealWorld(World):
    """A world whose source is a running server."""

    def plan_text(self) -> str:
        with self.workspace(create=False) as workspace, open_source(workspace.scope.target) as source:
            plan = workspace.plan(source)
            assert not plan.drifted, explain(plan)
            return explain(plan)

    def finish(self, *, allow_replace: bool = False) -> None:
        with self.workspace() as workspace, open_source(workspace.scope.target) as source:
            apply_scope(workspace, source, how(allow_replace=allow_replace))

    def crash(self, point: str) -> None:
        command = [sys.executable, "-c", START, "apply", "--yes", "--allow-replace"]
        killed = subprocess.run(
            [*command, "--project", str(self.root)],
            env={**os.environ, "OPLAKE_CRASH_AT": point},
            capture_output=True,
            text=True,
            check=False,
        )
        assert killed.returncode == -9, killed.stdout + killed.stderr

    def half_applied(self) -> bool:
        with self.workspace(create=False) as workspace:
            return workspace.unfinished() is not None


@pytest.fixture
def world(tmp_path: Path, mongo: str, database: Database[dict[str, object]]) -> RealWorld:
    database["orders"].insert_many([{"_id": number, "n": number, "place": {"city": "x"}} for number in range(7)])
    world = RealWorld(tmp_path / "project")
    world.target(mongo)
    world.pipeline("orders", {"source": {"collections": [f"{database.name}.orders"]}})
    return world


def assert_whole(world: RealWorld) -> None:
    assert "No changes: 2 tables as git asks. Nothing to apply." in world.plan_text()
    assert not world.half_applied()
    with world.workspace() as workspace:
        assert {one.origin for one in workspace.applied().values()} == {"created"}
    world.fill(5)
    folders = sorted(path.name for path in (world.root / "lake" / "orders").iterdir())
    assert folders == ["changes", "current"]


@pytest.mark.parametrize("point", CREATING)
def test_a_create_killed_anywhere_is_finished_by_the_next_apply(world: RealWorld, point: str) -> None:
    world.crash(point)
    assert world.half_applied()
    assert "An apply stopped half-way" in world.plan_text()
    world.finish()
    assert_whole(world)


@pytest.mark.parametrize("point", REPLACING)
def test_a_replace_killed_anywhere_is_finished_by_the_next_apply(world: RealWorld, point: str) -> None:
    world.finish()
    world.fill(3)
    body = {"source": {"collections": [world_namespace(world)]}, "table": {"partition_by": []}}
    world.pipeline("orders", body)
    world.crash(point)
    assert "An apply stopped half-way" in world.plan_text()
    world.finish()
    assert_whole(world)


@pytest.mark.parametrize(
    "point",
    ["apply.step.before:1", "apply.step.after:1", "apply.erase.hidden:2", "apply.create.bare:1", "apply.step.after:3"],
)
def test_specs_that_change_after_the_kill_are_what_the_next_apply_makes(world: RealWorld, point: str) -> None:
    world.finish()
    world.fill(3)
    namespace = world_namespace(world)
    world.pipeline("orders", {"source": {"collections": [namespace]}, "table": {"partition_by": []}})
    world.crash(point)
    world.pipeline("orders", {"source": {"collections": [namespace]}})
    world.finish(allow_replace=True)
    assert_whole(world)


def world_namespace(world: RealWorld) -> str:
    with world.workspace() as workspace:
        return str(next(iter(workspace.applied().values())).attributes["namespace"])
