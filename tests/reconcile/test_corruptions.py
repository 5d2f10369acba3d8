"""A thousand corruptions at random, each in one row of a real table: all are found, and nothing else is reported.

``OPLAKE_CORRUPTIONS_SEED`` chooses others.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pymongo.database import Database

from engine.reconcile.verdict import Verdict
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.reconcile.comparing import compare, told
from tests.reconcile.corruptions import CORRUPTIONS, Row, corrupted, document, drawn
from tests.reconcile.test_reconcile import rewrite

pytestmark = pytest.mark.server

SEED = int(os.environ.get("OPLAKE_CORRUPTIONS_SEED", "1"))
DOCUMENTS, CORRUPTED = 1200, 1000


def held(uri: str) -> dict[str, Row]:
    rows = pa.table(DeltaTable(uri).scan()).to_pylist()
    return {row["_id"]: row for row in rows}


def test_each_of_a_thousand_corruptions_is_found_and_nothing_else(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    things = database["things"]
    things.insert_many([document(number) for number in range(DOCUMENTS)])
    things.insert_many([{"_id": f"wide{number}", "ratio": 0.5, "spare": 1} for number in range(DOCUMENTS // 4)])
    project = Project(tmp_path, mongo, things.full_name, max_rows=5000)
    project.write()
    project.apply(nursery)
    project.catch_up(nursery)
    folded = project.paths.current
    before = held(folded)
    things.update_many({"nothing": None}, {"$inc": {"n": 1}})
    project.catch_up(nursery)
    plan = drawn([f"d{number:05d}" for number in range(DOCUMENTS)], CORRUPTED, SEED)

    rewrite(folded, lambda rows: corrupted(rows, before, plan, SEED))
    result = compare(project, kept_findings=2 * CORRUPTED)

    assert told(result) == {one.identity.format(text): one.verdict for text, one in plan.items()}
    named = {one.identity: [(it.path, it.kind.value) for it in one.differences] for one in result.findings}
    for text, corruption in plan.items():
        if corruption.verdict is Verdict.MISMATCH:
            assert named[text] == [corruption.difference], corruption
    assert result.exit_code == 5
    assert set(map(id, plan.values())) == set(map(id, CORRUPTIONS.values()))
