"""A hundred SIGKILLs at random moments, and the current table is still the collection (INV-1, INV-2, INV-4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.faults.campaign import Campaign
from tests.faults.nursery import Nursery
from tests.faults.project import Project

pytestmark = [pytest.mark.server, pytest.mark.fault]

KILLS = 100


def test_a_hundred_kills_leave_the_current_table_equal_to_the_collection(
    tmp_path: Path, long_oplog: str, nursery: Nursery, record_property: Callable[[str, object], None]
) -> None:
    with MongoClient[Any](long_oplog) as client:
        project = Project(tmp_path, long_oplog, "kills.things", mode="current")
        campaign = Campaign(project, client["kills"]["things"], nursery, seed=11)

        problems = campaign.run(KILLS, from_nothing=8)

    campaign.record(record_property)
    assert problems == []
    assert campaign.commits_seen >= campaign.kills // 2, "most were killed before they had committed anything"
