"""Passes of other hosts: let be while they are heard of, carried on when not, and harmless when they wake up later."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database as Documents

from engine.errors import StateError
from engine.reconcile.kept_chunks import job_name
from engine.reconcile.spill_folder import FOLDER
from engine.spec.project import load_project
from engine.state.checkpoints import Checkpoints
from engine.state.database import Database, open_database
from engine.state.reconciliations import Reconciliation, Reconciliations
from engine.state.signs_of_life import SILENCE_S
from tests.cli.command_line import oplake
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.running import Running
from tests.patience import wait_until
from tests.reconcile.passes import as_if
from tests.reconcile.test_reconcile import rewrite

pytestmark = [pytest.mark.server, pytest.mark.fault]

DOCUMENTS = 600
LOST = '{"$numberInt":"77"}'
RATE = "40KiB"
"""So slow that a pass takes some four seconds."""


@pytest.fixture
def project(tmp_path: Path, mongo: str, database: Documents[Any], nursery: Nursery) -> Project:
    """A table that lacks a row, and is due."""
    things = database["things"]
    things.insert_many([{"_id": number, "text": "x" * 250} for number in range(DOCUMENTS)])
    made = Project(tmp_path, mongo, things.full_name, max_rows=5000)
    made.write()
    spec = made.folder / "specs/pipelines/things.yaml"
    spec.write_text(f"{spec.read_text()}reconcile: {{every: 1d, mode: full}}\n")
    made.apply(nursery)
    made.catch_up(nursery)
    rewrite(made.paths.current, lambda rows: [row for row in rows if row["_id"] != LOST])
    return made


@pytest.fixture
def state(project: Project) -> Iterator[Database]:
    with closing(open_database(load_project(project.folder).target().state_url(project.folder))) as opened:
        yield opened


@pytest.fixture(scope="module")
def others() -> Iterator[Nursery]:
    """For processes of another host: a nursery has one child at a time."""
    with Nursery() as one:
        yield one


def elsewhere(project: Project, others: Nursery, chunk: int) -> Running:
    """A pass that a process of another host begins."""
    words = ["reconcile", "--due", "--chunk-rows", str(chunk), "--max-rate", RATE]
    return project.start(*words, nursery=others, patch="elsewhere")


def asleep(project: Project, state: Database, others: Nursery) -> Running:
    """Such a pass, which has read something and has then been silent for too long."""
    sleeping = elsewhere(project, others, 70)
    wait_for_chunks(project, "source-*-1.arrow")

    def is_asleep() -> bool:
        sleeping.send(signal.SIGSTOP)
        try:
            as_if(state, begun(state).id, silent_s=SILENCE_S + 1)
        except StateError:  # stopped in the middle of a write of its own, which locks a SQLite file
            sleeping.send(signal.SIGCONT)
            return False
        return True

    wait_until(is_asleep)
    return sleeping


def begun(state: Database) -> Reconciliation:
    """The pass that is under way, once there is one."""
    kept = Reconciliations(state, "local")
    wait_until(lambda: bool(kept.unfinished("things")))
    (one,) = kept.unfinished("things")
    return one


def wait_for_chunks(project: Project, name: str) -> None:
    wait_until(lambda: len(list((project.folder / FOLDER).glob(f"*/{name}"))) > 1)


def found(state: Database) -> tuple[int, dict[str, int]]:
    """Documents that were read, and how many of each verdict."""
    kept = Reconciliations(state, "local")
    assert not kept.unfinished("things")
    (one,) = kept.finished("things")
    assert one.result is not None
    return one.result["source_documents"], one.result["totals"]


def test_a_pass_that_is_busy_with_one_long_chunk_is_heard_of(
    project: Project, state: Database, nursery: Nursery, others: Nursery
) -> None:
    running = elsewhere(project, others, DOCUMENTS)
    one = begun(state)
    for _ in range(3):
        as_if(state, one.id, silent_s=2 * SILENCE_S)
        wait_until(lambda: begun(state).is_under_way)
    assert not any(key.startswith("source:") for key in Checkpoints(state, job_name(one.id)).all())
    assert project.start("reconcile", "--due", nursery=nursery).wait() == 0, "it is let be"
    assert running.wait() == 5, running.text
    assert found(state) == (DOCUMENTS, {"missing": 1})


def test_a_pass_whose_host_was_lost_is_carried_on_after_a_silence(
    project: Project, state: Database, nursery: Nursery, others: Nursery
) -> None:
    running = elsewhere(project, others, 70)
    wait_for_chunks(project, "source-*-1.arrow")
    running.kill()
    one = begun(state)
    let_be = project.start("reconcile", "--due", nursery=nursery)
    assert (let_be.wait(), "under way" in let_be.text) == (0, True)
    as_if(state, one.id, silent_s=SILENCE_S + 1)
    assert "cut off" in oplake("status", folder=project.folder).stdout

    last = project.start("reconcile", "--due", nursery=nursery)

    assert last.wait() == 5, last.text
    assert '"event": "reconciliation resumed"' in last.text
    assert "on host elsewhere" in last.text
    assert found(state) == (DOCUMENTS, {"missing": 1})


def test_a_pass_that_wakes_up_after_it_was_carried_on_ends_and_changes_nothing(
    project: Project, state: Database, nursery: Nursery, others: Nursery
) -> None:
    """Both see one folder, and end their chunks elsewhere."""
    sleeping = asleep(project, state, others)
    last = project.start("reconcile", "--due", "--chunk-rows", "90", "--max-rate", RATE, nursery=nursery)
    wait_for_chunks(project, "source-*-2.arrow")

    sleeping.send(signal.SIGCONT)

    assert sleeping.wait() == 6, sleeping.text
    assert "error[reconciliation-taken]" in sleeping.text
    assert last.wait() == 5, last.text
    assert found(state) == (DOCUMENTS, {"missing": 1})
    assert not list((project.folder / FOLDER).iterdir())


def test_a_pass_that_wakes_up_after_another_process_finished_it_says_so(
    project: Project, state: Database, nursery: Nursery, others: Nursery
) -> None:
    """Both see one folder, which is gone by then."""
    sleeping = asleep(project, state, others)
    assert project.start("reconcile", "--due", nursery=nursery).wait() == 5

    sleeping.send(signal.SIGCONT)

    assert sleeping.wait() == 6, sleeping.text
    assert "error[reconciliation-taken]" in sleeping.text
    assert found(state) == (DOCUMENTS, {"missing": 1})
    assert not list((project.folder / FOLDER).iterdir())
