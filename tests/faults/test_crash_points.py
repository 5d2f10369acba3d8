"""Killed at every named point of the lake, at several occurrences, tables stay exact (INV-1 to INV-5).

``lake.append.before_commit`` is a death before rows and position are there, ``lake.append.after_commit`` one
before the committed position was ever used.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

import engine.lake
from engine.spec.types import Scalar, Struct
from engine.telemetry.crash_points import VARIABLE
from tests.faults.checker import Rows
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.witness import server_time
from tests.faults.workload import Writer

pytestmark = [pytest.mark.server, pytest.mark.fault]

POINTS = (
    "lake.append.before_commit",
    "lake.append.after_commit",
    "lake.evolve.before_commit",
    "lake.evolve.after_commit",
    "lake.fold.before_commit",
    "lake.fold.after_commit",
)
REWRITES = ("lake.rewrite.before_commit", "lake.rewrite.after_commit")
"""Passed only when columns are widened: once by the log, once by the table folded from it."""
ELSEWHERE = ("lake.dead_letters.before_commit", "lake.dead_letters.after_commit")
"""Killed at in ``tests/kafka/test_dead_letters.py``: only records of a topic can be dead letters."""
WRITES = 60


def test_every_point_of_the_lake_is_killed_at() -> None:
    folder = Path(engine.lake.__file__).parent
    named = {name for path in folder.glob("*.py") for name in re.findall(r'reach\("(.+?)"\)', path.read_text())}

    assert named == {*POINTS, *REWRITES, *ELSEWHERE}


@pytest.mark.parametrize("mode", ["current", "history"])
def test_a_death_at_any_named_point_loses_and_doubles_nothing(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, mode: str
) -> None:
    project, things = Project(tmp_path, mongo, f"{database.name}.things", mode=mode), database["things"]
    project.write()
    since = server_time(database.client)
    writer = Writer(things, seed=21, rate=1)
    writer.write(WRITES)
    project.apply(nursery)
    for number, at in enumerate(f"{point}:{nth}" for nth in (1, 2) for point in POINTS):
        writer.write(WRITES)
        things.insert_many([{"_id": f"new {number}.{part}", f"new_{number}_{part}": part} for part in range(2)])

        running = project.start("run", nursery=nursery, environment={VARIABLE: at})

        assert running.wait() == -signal.SIGKILL, f"{at} was not reached:\n{running.text}"
        things.insert_one({"_id": f"last {number}"})
        project.catch_up(nursery)
        assert project.problems(things, since, f"last {number}") == [], at


@pytest.mark.parametrize("mode", ["current", "history"])
def test_a_death_while_columns_are_widened_loses_doubles_and_retypes_nothing(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, mode: str
) -> None:
    project = Project(tmp_path, mongo, f"{database.name}.things", mode=mode, on_conflict="widen")
    things = database["things"]
    project.write()
    since = server_time(database.client)
    things.insert_many([{"_id": f"old {row}", "inside": {f"n{case}": row for case in range(4)}} for row in range(20)])
    project.apply(nursery)
    project.catch_up(nursery)
    for case, at in enumerate(f"{point}:{nth}" for nth in (1, 2) for point in REWRITES):
        wide = [2**40, 0.5][case % 2]
        things.insert_many(
            [{"_id": f"new {case}.{row}", "inside": {f"n{case}": value}} for row, value in enumerate([7, wide])]
        )

        running = project.start("run", nursery=nursery, environment={VARIABLE: at})

        assert running.wait() == -signal.SIGKILL, f"{at} was not reached:\n{running.text}"
        things.insert_one({"_id": f"last {case}"})
        project.catch_up(nursery)
        assert project.problems(things, since, f"last {case}") == [], at
    columns = Rows.read(project.paths.changes).columns.fields["inside"]
    assert columns == Struct({f"n{case}": Scalar.DOUBLE if case % 2 else Scalar.INT64 for case in range(4)})
