"""Workers, supervisor, Connect, broker and store are killed at random, and nothing is lost or doubled (INV-1 to INV-5).

OPLAKE_CHAOS_KILLS sets how many kills; ``make chaos`` sets 300.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.project import ChaosProject
from tests.chaos.servers import Servers, running

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault, pytest.mark.timeout(0)]

KILLS = int(os.environ.get("OPLAKE_CHAOS_KILLS", "20"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with running(tmp_path_factory.mktemp("chaos")) as started:
        yield started


@pytest.mark.parametrize(("mode", "share"), [("current", 0.5), ("history", 0.5)])
def test_nothing_is_lost_or_doubled_whatever_is_killed(
    tmp_path: Path, servers: Servers, record_property: Callable[[str, object], None], mode: str, share: float
) -> None:
    project = ChaosProject(tmp_path, servers, servers.client["shop"][f"things_{mode}"], mode)
    campaign = Campaign(project, seed=21)

    problems = campaign.run(round(KILLS * share))

    record_property("kills", dict(campaign.kills))
    record_property("writes", campaign.writes)
    assert problems == []
    assert campaign.kills.total() == round(KILLS * share)
