"""Schedules: when a table is due, in which mode, and what is kept of the passes before."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli.reconcile import reconcile
from engine.reconcile.due import due
from engine.reconcile.fingerprint import CANONICAL_FORM
from engine.reconcile.settings import Settings
from engine.runtime.jobs import TableJob, table_jobs
from engine.spec.project import load_project
from engine.state.database import Database, open_database
from engine.state.reconciliations import Reconciliations
from engine.state.signs_of_life import SILENCE_S
from tests.faults.project import Project
from tests.reconcile.passes import ELSEWHERE, as_if
from tests.reconcile.reports import finding, result

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=1, hours=6)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, "mongodb://127.0.0.1:1/", "shop.things")
    made.write()
    return made


@pytest.fixture
def database(project: Project) -> Iterator[Database]:
    loaded = load_project(project.folder)
    with closing(open_database(loaded.target().state_url(loaded.root))) as opened:
        yield opened


def scheduled(project: Project, schedule: str) -> TableJob:
    """The one table's job, with a schedule in its spec."""
    spec = project.folder / "specs/pipelines/things.yaml"
    spec.write_text(f"{spec.read_text()}reconcile: {schedule}\n")
    loaded = load_project(project.folder)
    (job,) = table_jobs(loaded, loaded.pipelines.values(), None, lambda *_: ["shop.things"])
    return job


def ended(database: Database, run: str, mode: str, verified_until: int | None = None, **found: Any) -> None:  # noqa: ANN401
    kept = Reconciliations(database, "local")
    begun = kept.begin(run, "things", mode, {})
    kept.finish(begun.hold, result(found.get("findings", [])), 0, verified_until)


def modes(job: TableJob, database: Database, project: Project) -> tuple[str | None, str | None]:
    """What is due now, and well over a day later, however long ago the suite began."""
    chosen = [due(job, Settings(project.folder), database, when) for when in (NOW, LATER)]
    first, second = (None if one is None else one.mode for one in chosen)
    return first, second


def test_a_table_without_a_schedule_is_never_due(project: Project, database: Database) -> None:
    loaded = load_project(project.folder)
    (job,) = table_jobs(loaded, loaded.pipelines.values(), None, lambda *_: ["shop.things"])
    assert modes(job, database, project) == (None, None)


def test_an_incremental_schedule_begins_in_full_and_goes_on_when_its_time_has_come(
    project: Project, database: Database
) -> None:
    job = scheduled(project, "{every: 1d}")
    assert modes(job, database, project) == ("full", "full")
    ended(database, "first", "full", verified_until=7)
    assert modes(job, database, project) == (None, "incremental")


def test_a_pass_in_a_mode_that_proves_less_puts_off_nothing(project: Project, database: Database) -> None:
    job = scheduled(project, "{every: 1d, mode: full}")
    ended(database, "first", "counts")
    assert modes(job, database, project) == ("full", "full")
    ended(database, "second", "full")
    assert modes(job, database, project) == (None, "full")


def test_a_pass_that_was_cut_off_is_resumed_and_one_under_way_is_let_be(project: Project, database: Database) -> None:
    job, kept = scheduled(project, "{every: 1d, mode: full}"), Reconciliations(database, "local")
    for form, resume in ((CANONICAL_FORM, True), (CANONICAL_FORM + 1, False), (None, False)):
        begun = kept.begin("begun", "things", "full", {"form": form})
        assert modes(job, database, project) == (None, None)
        as_if(database, "begun", born="long ago")
        found = due(job, Settings(project.folder), database, NOW)
        assert found is not None
        assert (found.mode, found.resume) == ("full", resume), form
        assert kept.give_up(begun.hold)


def test_a_pass_of_another_host_is_let_be_until_it_has_been_silent_for_long(
    project: Project, database: Database
) -> None:
    job, kept = scheduled(project, "{every: 1d, mode: full}"), Reconciliations(database, "local")
    kept.begin("begun", "things", "full", {"form": CANONICAL_FORM})
    as_if(database, "begun", silent_s=SILENCE_S - 10, host=ELSEWHERE)
    assert modes(job, database, project) == (None, None)
    assert "under way: process" in told(project, "--list").output
    as_if(database, "begun", silent_s=20)
    assert modes(job, database, project) == ("full", "full")
    listed = told(project, "--list").output
    assert f"cut off: process {os.getpid()} on host {ELSEWHERE}, last heard of 13" in listed
    assert "--resume" in listed


def test_a_pass_of_this_host_is_let_be_however_long_it_slept(project: Project, database: Database) -> None:
    job, kept = scheduled(project, "{every: 1d, mode: full}"), Reconciliations(database, "local")
    kept.begin("begun", "things", "full", {"form": CANONICAL_FORM})
    as_if(database, "begun", silent_s=100 * SILENCE_S)
    assert modes(job, database, project) == (None, None)


def told(project: Project, *words: str) -> Result:
    return CliRunner().invoke(reconcile, [*words, "--project", str(project.folder)])


def test_what_is_kept_is_listed_and_shown_without_a_server(project: Project, database: Database) -> None:
    assert "no reconciliation" in told(project, "--list").output
    ended(database, "first", "full", findings=[finding("k1", "missing")])

    assert "first" in told(project, "--list").output
    assert json.loads(told(project, "--list", "--json").output)[0]["id"] == "first"
    page = project.folder / "kept.html"
    shown = told(project, "--show", "first", "--report", str(page))
    assert "missing: k1" in shown.output
    assert "k1" in page.read_text()
    assert told(project, "--show", "nobody").exit_code != 0
