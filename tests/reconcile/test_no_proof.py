"""Work that was cut off, or that nobody could judge: never a pass, and nothing is left that nobody goes on with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pymongo.database import Database

from engine.api.reconcile_job import reconcile_as_job
from engine.lake.log_commits import commits_after
from engine.reconcile.repair import repair
from engine.reconcile.spill_folder import FOLDER
from engine.reconcile.verdict import Verdict
from engine.state.checkpoints import Checkpoints
from engine.state.reconciliations import Reconciliations
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.reconcile.comparing import compare, comparing, told
from tests.reconcile.test_reconcile import rewrite

pytestmark = pytest.mark.server

IDS = [f"k{number:02d}" for number in range(20)]


@pytest.fixture
def project(tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery) -> Project:
    """A table in which one row is missing."""
    things = database["things"]
    things.insert_many([{"_id": one} for one in IDS])
    made = Project(tmp_path, mongo, things.full_name)
    made.write()
    made.apply(nursery)
    made.catch_up(nursery)
    rewrite(made.paths.current, lambda rows: [row for row in rows if row["_id"] != IDS[1]])
    return made


class Stopped(Exception):
    """Somebody cancels."""


def test_what_a_cancelled_job_has_spilled_is_removed_at_once(project: Project) -> None:
    spilled: list[Path] = []

    def look() -> None:
        spilled.extend((project.folder / FOLDER).glob("*/*.arrow"))
        if spilled:
            raise Stopped

    with pytest.raises(Stopped):
        reconcile_as_job(project.folder, None, [], "full", lambda _: None, look)

    assert not list((project.folder / FOLDER).iterdir())
    with comparing(project) as comparison:
        assert not Reconciliations(comparison.database, "local").unfinished("things")
        assert not Checkpoints(comparison.database, f"reconcile:{spilled[0].parent.name}").all()


def test_a_candidate_that_nobody_can_judge_is_skipped_which_is_no_pass(project: Project) -> None:
    """The repair is in the log and not folded, and the commits that would say so were cleaned up."""
    with comparing(project) as comparison:
        repair(comparison, compare(project))
    log = DeltaTable(project.paths.changes)
    assert commits_after(log, log.version() - 1)
    log.create_checkpoint()
    Path(project.paths.changes, "_delta_log", f"{log.version():020d}.json").unlink()

    result = compare(project)

    assert told(result) == {IDS[1]: Verdict.SKIPPED}
    assert "cleaned up" in result.findings[0].reason
    assert (result.exit_code, result.coverage.verified_until) == (6, None)


def test_an_id_that_neither_side_has_is_no_pass(project: Project) -> None:
    result = compare(project, mode="ids", ids=[IDS[0], "nobody"])
    assert (result.exit_code, result.candidates) == (6, 1)
    assert "neither the collection nor the table has 'nobody'" in result.problem


def test_a_time_that_the_oplog_no_longer_tells_of_is_no_loss_of_the_table(project: Project) -> None:
    result = compare(project, mode="incremental", since=datetime(2020, 1, 1, tzinfo=UTC))
    said = "the oplog no longer holds all that was touched since 2020-01-01 00:00:00 UTC"
    assert (result.exit_code, result.problem) == (6, said)
    assert "give a later --since" in result.remedy


def test_a_change_log_that_cannot_be_counted_keeps_no_other_table_from_it(project: Project, nursery: Nursery) -> None:
    spec = (project.folder / "specs/pipelines/things.yaml").read_text()
    log = spec.replace("pipeline: things", "pipeline: a_log").replace("mode: current", "mode: changes")
    (project.folder / "specs/pipelines/a_log.yaml").write_text(log)
    project.apply(nursery)
    project.catch_up(nursery)

    report = project.folder / "report.json"
    running = project.start("reconcile", "--mode", "counts", f"--report={report}", nursery=nursery)

    assert running.wait() == 5, running.text
    tables = {one["table"]: one for one in json.loads(report.read_text())["tables"]}
    assert tables["a_log"]["problem"].startswith("a change log has many rows of one document")
    assert tables["things"]["totals"] == {"missing": 1}
