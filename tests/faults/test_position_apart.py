"""The kill test finds what it is there to find: with the position outside the commit, the same campaign fails.

The processes are patched (``patches``) to commit rows and position one after the other, in either order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.faults.campaign import Campaign
from tests.faults.nursery import Nursery
from tests.faults.patches import HALFWAY
from tests.faults.project import Project

pytestmark = [pytest.mark.server, pytest.mark.fault]

KILLS = 6


@pytest.mark.parametrize(
    ("patch", "symptom"), [("rows_before_position", "doubled _position"), ("position_before_rows", "lost among")]
)
def test_with_the_position_in_a_commit_of_its_own_the_same_kills_are_noticed(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, patch: str, symptom: str
) -> None:
    project = Project(tmp_path, mongo, f"{database.name}.things")
    campaign = Campaign(
        project,
        database["things"],
        nursery,
        seed=13,
        patch=patch,
        milestones=(HALFWAY,),
        begins_caught_up=True,
    )

    problems = campaign.run(KILLS)

    assert any(symptom in problem for problem in problems), problems
