"""All that the production transport is made of is killed, frozen, slowed, told again; nothing is lost or doubled.

INV-1 to INV-5. OPLAKE_CHAOS_KILLS sets how many kills, OPLAKE_CHAOS_SEED which; ``make chaos`` sets 300.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.blows import KILLS, TROUBLES
from tests.chaos.campaign import Campaign
from tests.chaos.project import ChaosProject
from tests.chaos.servers import Servers, running
from tests.faults.nursery import Nursery

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault, pytest.mark.timeout(0)]

WANTED = int(os.environ.get("OPLAKE_CHAOS_KILLS", "20"))
SEED = int(os.environ.get("OPLAKE_CHAOS_SEED", "21"))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with running(tmp_path_factory.mktemp("chaos")) as started:
        yield started


@pytest.fixture(scope="module")
def nurseries() -> Iterator[list[Nursery]]:
    with Nursery() as first, Nursery() as second:
        yield [first, second]


def test_nothing_is_lost_or_doubled_whatever_is_killed(
    tmp_path: Path, servers: Servers, nurseries: list[Nursery], record_property: Callable[[str, object], None]
) -> None:
    campaign = Campaign(ChaosProject.of(tmp_path, servers), nurseries, SEED)

    problems = campaign.run(WANTED)

    for name in ("kills", "troubles", "rewound", "writes"):
        record_property(name, str(getattr(campaign, name)))
    assert problems == []
    assert campaign.kills.total() >= WANTED
    assert (set(campaign.kills), set(campaign.troubles)) == (set(KILLS), set(TROUBLES))
