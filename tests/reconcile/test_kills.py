"""A reconciliation that is killed goes on where it was: no finished chunk is read again, and the result is the same.

``OPLAKE_RECONCILE_KILLS`` says how often it is killed.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from engine.reconcile.kept_chunks import job_name
from engine.reconcile.spill_folder import FOLDER
from engine.reconcile.spilled_side import MOST_FILES
from engine.spec.project import load_project
from engine.state.checkpoints import Checkpoints
from engine.state.database import open_database
from engine.state.reconciliations import Reconciliation, Reconciliations
from engine.telemetry.crash_points import DEATH, VARIABLE
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.patience import wait_until
from tests.reconcile.test_reconcile import rewrite

pytestmark = pytest.mark.server

KILLS = int(os.environ.get("OPLAKE_RECONCILE_KILLS", "3"))
DOCUMENTS, CHUNK = 1500, 100
MANY_CHUNKS = MOST_FILES + 20
LONGEST_S = 1.5
RATE = "250KiB"
"""So slow that a pass takes longer than the longest time it is given."""
LOST = '{"$numberInt":"77"}'


def standing(project: Project) -> tuple[list[Reconciliation], Mapping[str, int]]:
    """The passes that are cut off, and when each chunk that is finished was written."""
    target = load_project(project.folder).target()
    database = open_database(target.state_url(project.folder))
    try:
        begun = Reconciliations(database, target.target).unfinished("things")
        times = {
            key: (project.folder / FOLDER / one.id / saved["file"]).stat().st_mtime_ns
            for one in begun
            for key, saved in Checkpoints(database, job_name(one.id)).all().items()
            if key.startswith("source:") and isinstance(saved, dict)
        }
    finally:
        database.close()
    return begun, times


def test_a_pass_that_was_killed_reads_no_finished_chunk_again_and_finds_the_same(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    things.insert_many([{"_id": number, "text": "x" * 250} for number in range(DOCUMENTS)])
    project = Project(tmp_path, mongo, things.full_name)
    project.write()
    project.apply(nursery)
    project.catch_up(nursery)
    rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] != LOST])
    chance, most = random.Random(5), 0  # noqa: S311  repeats
    kept: Mapping[str, int] = {}
    begun: list[Reconciliation] = []

    for _ in range(KILLS):
        words = ["--resume"] if begun else []
        running = project.start("reconcile", "--chunk-rows", str(CHUNK), "--max-rate", RATE, *words, nursery=nursery)
        if not most:  # on a busy machine it may take longer than that to begin at all
            wait_until(
                lambda running=running: running.has_ended or any((project.folder / FOLDER).glob("*/source-*.arrow"))
            )
        time.sleep(chance.uniform(0.1, LONGEST_S))
        if running.kill() == 5:
            assert standing(project) == ([], {})
            kept, begun = {}, []
            continue
        begun, now = standing(project)
        assert {key: now[key] for key in kept} == dict(kept)
        kept, most = now, max(most, len(now))
    last = project.start("reconcile", "--chunk-rows", str(CHUNK), *(["--resume"] if begun else []), nursery=nursery)

    assert last.wait() == 5, last.text
    assert most, "no chunk was ever finished: nothing was tried"
    target = load_project(project.folder).target()
    database_of_state = open_database(target.state_url(project.folder))
    found = Reconciliations(database_of_state, target.target).finished("things")[0].result
    database_of_state.close()
    assert found is not None
    assert found["candidates"] == 1, "digests of before and after a kill do not compare"
    assert (found["source_documents"], found["totals"], found["findings"][0]["identity"]) == (
        DOCUMENTS,
        {"missing": 1},
        LOST,
    )


@pytest.mark.parametrize("place", ["reconcile.merge.before_list", "reconcile.merge.after_list"])
def test_a_pass_that_was_killed_while_it_merged_files_reads_nothing_again_and_finds_the_same(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, place: str
) -> None:
    things = database["things"]
    things.insert_many([{"_id": number} for number in range(MANY_CHUNKS)])
    project = Project(tmp_path, mongo, things.full_name, max_rows=5000)
    project.write()
    project.apply(nursery)
    project.catch_up(nursery)
    rewrite(project.paths.current, lambda rows: [row for row in rows if row["_id"] != LOST])
    crash = project.start("reconcile", "--chunk-rows", "1", nursery=nursery, environment={VARIABLE: place})
    assert crash.wait() == -DEATH, crash.text
    things.delete_one({"_id": 0})

    last = project.start("reconcile", "--resume", nursery=nursery, environment={VARIABLE: ""})

    assert last.wait() == 5, last.text
    target = load_project(project.folder).target()
    with closing(open_database(target.state_url(project.folder))) as state:
        result = Reconciliations(state, target.target).finished("things")[0].result
    assert result is not None
    assert (result["source_documents"], result["totals"]) == (MANY_CHUNKS, {"missing": 1}), "it was read again"


def test_what_a_pass_leaves_that_was_killed_after_its_result_goes_with_the_next_one_and_nothing_else_does(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    things.insert_many([{"_id": number} for number in range(5)])
    project = Project(tmp_path, mongo, things.full_name)
    project.write()
    project.apply(nursery)
    project.catch_up(nursery)
    crash = project.start("reconcile", nursery=nursery, environment={VARIABLE: "reconcile.result.after_keeping"})
    assert crash.wait() == -DEATH, crash.text
    target = load_project(project.folder).target()

    with closing(open_database(target.state_url(project.folder))) as state:
        kept = Reconciliations(state, target.target)
        (done,) = kept.finished("things")
        under_way = kept.begin("underway", "others", "full", {})
        other = kept.begin("other", "others", "full", {})
        kept.finish(other.hold, {}, 0, None)
        for run in (under_way.id, other.id):
            Checkpoints(state, job_name(run)).put("key", 1)
        for name in (under_way.id, other.id, "unknown"):
            (project.folder / FOLDER / name).mkdir()
        assert (project.folder / FOLDER / done.id).is_dir()

        last = project.start("reconcile", nursery=nursery, environment={VARIABLE: ""})

        assert last.wait() == 0, last.text
        assert {path.name for path in (project.folder / FOLDER).iterdir()} == {under_way.id, other.id, "unknown"}
        assert {run for run in (done.id, under_way.id, other.id) if Checkpoints(state, job_name(run)).all()} == {
            under_way.id,
            other.id,
        }
