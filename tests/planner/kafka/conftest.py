"""A world on a Kafka target for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planner.brokers import Cluster
from tests.planner.kafka.worlds import target
from tests.planner.worlds import World


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr("engine.planner.workspace.kinds_of", cluster.kinds_of)
    monkeypatch.setattr("engine.resources.connector.ask_for_snapshot", cluster.signal)
    monkeypatch.setattr("engine.resources.connector_act.SETTLE_S", 0)
    return cluster


@pytest.fixture
def world(tmp_path: Path, cluster: Cluster) -> World:  # noqa: ARG001 - nothing may be planned without it
    """The pipeline ``orders`` on Kafka, nothing applied."""
    world = World(tmp_path)
    target(world)
    world.spec()
    return world
