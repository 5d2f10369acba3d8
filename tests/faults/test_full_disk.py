"""The disk of the lake is full again and again; nothing is lost or doubled, and nobody has to help (INV-1, 2, 4, 5)."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.faults.full_disk import SmallDisk
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.witness import server_time
from tests.faults.workload import Writer

pytestmark = [
    pytest.mark.server,
    pytest.mark.fault,
    pytest.mark.skipif(
        os.geteuid() != 0 and not os.environ.get("CI"), reason="only root may mount a small file system to be filled"
    ),
]

DISK_BYTES = 24 << 20
TIMES = 4
FULL_S, EMPTY_S = 0.7, 0.4
PATIENCE_S = 60.0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with SmallDisk(tmp_path / ".oplake/lake", DISK_BYTES) as mounted:
        yield mounted


def problems_after_full_disks(
    project: Project, database: Database[Any], nursery: Nursery, disk: SmallDisk, patch: str | None = None
) -> list[str]:
    """Run while the disk is filled to the last blocks, and given back, several times."""
    project.write()
    things, since = database["things"], server_time(database.client)
    writer = Writer(things, seed=31, rate=150)
    writer.write(100)
    scratch = project.folder / ".oplake/lake/scratch"
    scratch.mkdir()
    project.apply(nursery)
    running = project.start("run", nursery=nursery, patch=patch, environment={"TMPDIR": str(scratch)})
    assert running.wait_for("batch appended"), running.text
    writer.start()
    chance = random.Random(31)  # noqa: S311  repeatable, not secret
    for _ in range(TIMES):
        disk.fill(chance.choice([0, 4096, 16384]))
        time.sleep(FULL_S)
        disk.empty()
        time.sleep(EMPTY_S)
    writer.finish()
    things.insert_one({"_id": "last"})
    running.send(signal.SIGTERM)
    assert running.wait() == 0, running.text
    assert "No space left" in running.text, "the disk was never full when it mattered"
    project.catch_up(nursery)
    return project.problems(things, since, "last")


@pytest.mark.parametrize("mode", ["current", "history"])
def test_a_disk_that_is_full_now_and_then_costs_nothing(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, disk: SmallDisk, mode: str
) -> None:
    project = Project(tmp_path, mongo, f"{database.name}.things", mode=mode)

    assert problems_after_full_disks(project, database, nursery, disk) == []


def test_a_worker_that_goes_on_after_a_failed_commit_loses_rows(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, disk: SmallDisk
) -> None:
    project = Project(tmp_path, mongo, f"{database.name}.things", fold_every="1h")  # a fold would fail, and be told

    problems = problems_after_full_disks(project, database, nursery, disk, patch="failed_commits_passed_over")

    assert any("lost among" in problem for problem in problems), problems
