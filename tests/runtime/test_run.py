"""`oplake run` against a real server: what it does, what it refuses, and what it says."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import Int64
from pymongo import MongoClient
from pymongo.database import Database

from engine.spec.types import Scalar
from engine.stack.mongodb import MongoServer
from tests.faults.checker import Rows
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.witness import documents, server_time
from tests.faults.workload import Writer

pytestmark = pytest.mark.server


@pytest.fixture
def project(tmp_path: Path, mongo: str, database: Database[Any]) -> Project:
    """One pipeline over one collection that has a document."""
    database["things"].insert_one({"_id": "one", "count": 1})
    made = Project(tmp_path, mongo, f"{database.name}.things")
    made.write()
    return made


def current(project: Project) -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for row in Rows.read(project.paths.current).rows}


def test_a_run_until_caught_up_leaves_the_table_equal_to_the_collection(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    since = server_time(database.client)
    writer = Writer(database["things"], seed=1, rate=1)
    writer.write(200)
    project.apply(nursery)
    project.catch_up(nursery)
    writer.write(200)
    database["things"].insert_one({"_id": "last"})

    project.catch_up(nursery)

    problems = project.problems(database["things"], since, "last")
    assert problems == []


def test_a_run_with_nothing_new_commits_nothing(project: Project, nursery: Nursery) -> None:
    project.apply(nursery)
    project.catch_up(nursery)

    second, third = (project.catch_up(nursery).events for _ in range(2))

    assert [event["event"] for event in second] == ["table opened", "table folded", "table closed"]
    assert second[0]["version"] == third[0]["version"]


def test_a_table_that_was_not_applied_is_an_error_that_says_so(project: Project, nursery: Nursery) -> None:
    running = project.start("run", "--until-caught-up", nursery=nursery)

    assert running.wait() == 1
    (failed,) = running.events
    assert failed["event"] == "table failed"
    assert "oplake apply" in failed["help"]
    assert "changes" in failed["where"]


def test_one_table_that_fails_does_not_stop_the_others(project: Project, nursery: Nursery) -> None:
    project.apply(nursery)
    text = (project.folder / "specs/pipelines/things.yaml").read_text()
    other = text.replace("pipeline: things", "pipeline: others").replace(".things", ".others")
    (project.folder / "specs/pipelines/others.yaml").write_text(other)

    running = project.start("run", "--until-caught-up", nursery=nursery)

    assert running.wait() == 1
    ended = {event["table"]: event["event"] for event in running.events}
    assert ended == {"things": "table closed", "others": "table failed"}
    assert set(current(project)) == {"one"}


def test_an_unknown_pipeline_is_a_usage_error_with_a_suggestion(project: Project, nursery: Nursery) -> None:
    running = project.start("run", "thinsg", nursery=nursery)

    assert running.wait() == 2
    assert "things" in running.text.splitlines()[-1]


def test_a_glob_without_collections_has_nothing_to_run(project: Project, nursery: Nursery) -> None:
    pipeline = project.folder / "specs/pipelines/things.yaml"
    pipeline.write_text(re.sub(r"collections: .*", "collections: ['nowhere.*']", pipeline.read_text()))

    running = project.start("run", nursery=nursery)

    assert running.wait() == 1
    assert "no collection matches" in running.text


def test_a_glob_runs_a_table_for_each_collection(project: Project, database: Database[Any], nursery: Nursery) -> None:
    database["more"].insert_one({"_id": 2})
    pipeline = project.folder / "specs/pipelines/things.yaml"
    pipeline.write_text(re.sub(r"collections: .*", f"collections: ['{database.name}.*']", pipeline.read_text()))
    project.apply(nursery)

    events = project.catch_up(nursery).events

    assert {event["table"] for event in events} == {"things_things", "things_more"}


def test_a_conflict_under_fail_stops_the_table_before_the_batch(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    things.insert_one({"_id": 1, "count": 1})
    project = Project(tmp_path, mongo, things.full_name, on_conflict="fail")
    project.write()
    project.apply(nursery)
    project.catch_up(nursery)
    things.insert_one({"_id": 2, "count": "not for anybody's eyes"})

    running = project.start("run", "--until-caught-up", nursery=nursery)

    assert running.wait() == 1
    assert running.events[-1]["code"] == "type-conflict", running.text
    assert "eyes" not in running.text
    assert set(current(project)) == {'{"$numberInt":"1"}'}


def test_widening_rewrites_the_tables_and_loses_nothing(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    things.insert_many([{"_id": str(number), "count": number} for number in range(20)])
    project = Project(tmp_path, mongo, things.full_name, on_conflict="widen")
    project.write()
    project.apply(nursery)
    project.catch_up(nursery)
    things.insert_many([{"_id": f"long {number}", "count": Int64(2**40 + number)} for number in range(20)])

    events = project.catch_up(nursery).events

    assert "column widened" in {event["event"] for event in events}
    table = Rows.read(project.paths.current)
    assert table.columns.fields["count"] is Scalar.INT64
    found = {row["_id"]: bson.decode(table.document(row)) for row in table.rows}
    assert found == {name: bson.decode(document) for name, document in documents(things).items()}


def test_values_that_do_not_fit_are_counted_and_never_quoted(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    project.apply(nursery)
    project.catch_up(nursery)
    database["things"].insert_one({"_id": "who", "count": "not for anybody's eyes"})

    running = project.catch_up(nursery)

    (appended,) = [event for event in running.events if event["event"] == "batch appended"]
    assert appended["rescued"] == 1
    assert appended["rescued_because"] == {"conflict": 1}
    assert "eyes" not in running.text


def test_two_runs_of_one_table_at_once_leave_it_exact(
    project: Project, database: Database[Any], nursery: Nursery
) -> None:
    since = server_time(database.client)
    writer = Writer(database["things"], seed=5, rate=150)
    writer.write(100)
    project.apply(nursery)
    with Nursery() as second:
        rivals = [project.start("run", nursery=one) for one in (nursery, second)]
        assert all(rival.wait_for("table opened") for rival in rivals)
        writer.start()
        time.sleep(4)
        writer.finish()
        for rival in rivals:
            rival.kill()
    database["things"].insert_one({"_id": "last"})

    project.catch_up(nursery)

    reopened = [event for rival in rivals for event in rival.events if event["event"] == "table reopens"]
    assert reopened, "the two never met: nothing was tried"
    assert project.problems(database["things"], since, "last") == []


def test_a_server_that_restarts_is_waited_for(tmp_path: Path, nursery: Nursery) -> None:
    with MongoServer(tmp_path / "mongodb", durable=True) as server:
        project = Project(tmp_path / "project", server.uri, "shop.things")
        project.write()
        with MongoClient[Any](server.uri) as client:
            things = client["shop"]["things"]
            things.insert_one({"_id": 1})
            project.apply(nursery)
            running = project.start("run", nursery=nursery)
            assert running.wait_for("batch appended")
            server.stop()
            assert running.wait_for("table reopens")
            server.start()
            things.insert_one({"_id": 2})
            deadline = time.monotonic() + 60
            while len(current(project)) < 2 and time.monotonic() < deadline:
                time.sleep(0.2)
            running.kill()

    assert len(current(project)) == 2
