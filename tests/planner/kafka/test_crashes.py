"""An apply on Kafka is cut off between and inside its steps; the next one finishes what it began."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planner.brokers import Cluster
from tests.planner.kafka.worlds import CONNECTOR, TOPIC, target
from tests.planner.worlds import World

pytestmark = pytest.mark.slow
MODULES = ("planner.carry_out", "resources.connector_act", "resources.table_act", "resources.table_folder")
CREATING = range(1, 20, 2)
REPLACING = range(1, 25, 3)


class Cut(BaseException):
    """As a kill: nothing of oplake's catches it."""


def cut_off(world: World, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Apply, and cut it off when a point of its way is reached for the ``number``-th time."""
    reached = 0

    def reach(_: str) -> None:
        nonlocal reached
        reached += 1
        if reached == number:
            raise Cut

    with monkeypatch.context() as patch:
        for module in MODULES:
            patch.setattr(f"engine.{module}.reach", reach)
        with pytest.raises(Cut):
            world.apply(allow_replace=True)


@pytest.mark.parametrize("number", CREATING)
def test_a_create_cut_off_anywhere_is_finished(
    world: World,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    cut_off(world, monkeypatch, number)
    world.apply()
    assert world.plan().is_empty
    assert cluster.workers.states[CONNECTOR] == "RUNNING"
    assert len(cluster.brokers.live) == cluster.brokers.made == 4
    with world.workspace() as workspace:
        assert {one.origin for one in workspace.applied().values()} == {"created"}


@pytest.mark.parametrize("number", REPLACING)
def test_a_replace_cut_off_anywhere_is_finished_with_its_snapshot(
    world: World,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    world.apply()
    target(world, topic={"partitions": 2})
    cut_off(world, monkeypatch, number)
    world.apply(allow_replace=True)
    assert world.plan().is_empty
    assert cluster.brokers.live[TOPIC].partitions == 2
    assert cluster.workers.states[CONNECTOR] == "RUNNING"
    assert (CONNECTOR, ("shop.orders",)) in cluster.signals


def test_specs_that_change_after_the_cut_are_what_the_next_apply_makes(
    world: World,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert tmp_path == world.root
    world.apply()
    target(world, topic={"partitions": 2})
    cut_off(world, monkeypatch, 9)
    target(world)
    world.apply(allow_replace=True)
    assert world.plan().is_empty
    assert cluster.brokers.live[TOPIC].partitions == 4
    assert cluster.workers.states[CONNECTOR] == "RUNNING"
    assert (CONNECTOR, ("shop.orders",)) in cluster.signals
