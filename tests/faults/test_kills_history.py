"""A hundred SIGKILLs at random moments, and the history still holds each version (INV-1, INV-2, INV-5)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.faults.campaign import Campaign
from tests.faults.nursery import Nursery
from tests.faults.project import Project

pytestmark = [pytest.mark.server, pytest.mark.fault]

KILLS = 100


def test_a_hundred_kills_leave_the_history_complete(
    tmp_path: Path,
    mongo: str,
    database: Database[Any],
    nursery: Nursery,
    record_property: Callable[[str, object], None],
) -> None:
    project = Project(tmp_path, mongo, f"{database.name}.things", mode="history")
    campaign = Campaign(project, database["things"], nursery, seed=12)

    problems = campaign.run(KILLS, from_nothing=8)

    record_property("kills", campaign.kills)
    record_property("writes", campaign.writes)
    record_property("commits by killed processes", campaign.commits_seen)
    assert problems == []
    assert campaign.commits_seen >= campaign.kills // 2, "most were killed before they had committed anything"
