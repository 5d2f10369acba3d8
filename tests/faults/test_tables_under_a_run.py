"""What happens to a run whose table somebody wants to delete, with real processes."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.faults.checker import Rows
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.running import Running

pytestmark = [pytest.mark.server, pytest.mark.fault]


@pytest.fixture
def project(tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery) -> Project:
    """A table that is applied and caught up with; a run does nothing with it until something is written."""
    database["things"].insert_one({"_id": "one", "n": 1})
    made = Project(tmp_path, mongo, f"{database.name}.things", fold_every="1h")
    made.write()
    made.apply(nursery)
    made.catch_up(nursery)
    return made


def repartition(project: Project) -> None:
    """Ask for the table to be replaced."""
    spec = project.folder / "specs/pipelines/things.yaml"
    spec.write_text(spec.read_text().replace("table:\n", "table:\n  partition_by: []\n"))


def running(project: Project) -> Running:
    run = project.start("run")
    assert run.wait_for("table opened"), run.text
    return run


@pytest.mark.parametrize("command", [("apply", "--yes", "--allow-replace"), ("destroy", "--yes")], ids=lambda c: c[0])
def test_a_table_is_not_deleted_under_a_run_and_is_once_the_run_has_stopped(
    project: Project, database: Database[Any], nursery: Nursery, command: tuple[str, ...]
) -> None:
    repartition(project)
    run = running(project)

    refused = project.start(*command, nursery=nursery)

    assert refused.wait() == 1
    assert f"things: process {run.process.pid} on " in refused.text
    database["things"].insert_one({"_id": "last"})
    assert run.wait_for("batch appended")
    run.send(signal.SIGTERM)
    assert run.wait() == 0, run.text
    project.catch_up(nursery)
    assert {row["_id"] for row in Rows.read(project.paths.current).rows} == {"one", "last"}
    project.finish(*command, nursery=nursery)


def test_a_run_that_was_killed_is_in_nobodys_way(project: Project, nursery: Nursery) -> None:
    repartition(project)
    running(project).kill()
    project.finish("apply", "--yes", "--allow-replace", nursery=nursery)


def test_a_run_stops_when_its_table_was_made_anew_and_writes_nothing_into_the_new_one(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    run = running(project)
    shutil.rmtree(project.folder / ".oplake")
    repartition(project)
    project.apply(nursery)

    database["things"].insert_one({"_id": "last", "n": 2})

    assert run.wait() == 1
    failed = next(event for event in run.events if event["event"] == "table failed")
    assert (failed["code"], failed["what"]) == (
        "table-replaced",
        "the table was deleted and made anew while it was being written",
    )
    assert Rows.read(project.paths.changes).rows == []
    project.catch_up(nursery)
    assert {row["_id"] for row in Rows.read(project.paths.current).rows} == {"one", "last"}


def test_a_run_stops_when_its_table_is_gone_and_does_not_begin_it_again(
    project: Project, database: Database[Any]
) -> None:
    run = running(project)
    shutil.rmtree(project.folder / ".oplake/lake/things")

    database["things"].insert_one({"_id": "last"})

    assert run.wait() == 1
    failed = next(event for event in run.events if event["event"] == "table failed")
    assert (failed["code"], "oplake apply" in failed["help"]) == ("table-replaced", True)
    assert not (project.folder / ".oplake/lake/things").exists()
