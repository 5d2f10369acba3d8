"""Whatever the specs, and whatever somebody does to topics and connectors: after an apply the plan is empty."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.planner.brokers import Cluster
from tests.planner.kafka.worlds import source, target
from tests.planner.worlds import World

pytestmark = pytest.mark.slow
Meddling: TypeAlias = Callable[[Cluster], None]
NAMES = ("shop.orders", "shop.users", "shop.items")


def specs() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "partitions": st.integers(1, 4),
            "retention": st.sampled_from(["1d", "7d"]),
            "collections": st.sets(st.sampled_from(NAMES), min_size=2),
            "snapshot": st.sampled_from(["initial", "no_data"]),
            "state": st.sampled_from(["running", "paused", "stopped"]),
            "fetch": st.integers(1, 3),
        }
    )


def _lose_topics(cluster: Cluster) -> None:
    for name in list(cluster.brokers.live)[::2]:
        del cluster.brokers.live[name]


def _make_topics_again(cluster: Cluster) -> None:
    for name, topic in list(cluster.brokers.live.items())[1::2]:
        cluster.brokers.live[name] = replace(topic, id=topic.id + "'")


def _set(cluster: Cluster) -> None:
    for name in list(cluster.brokers.live)[::3]:
        cluster.brokers.configure(name, {"retention.ms": "1", "segment.ms": "2"})


def _more_partitions(cluster: Cluster) -> None:
    for name, topic in list(cluster.brokers.live.items())[:2]:
        cluster.brokers.add_partitions(name, topic.partitions + 1)


def _lose_connectors(cluster: Cluster) -> None:
    for name in list(cluster.workers.live):
        cluster.workers.delete(name)


def _configure(cluster: Cluster) -> None:
    for config in cluster.workers.live.values():
        config |= {"snapshot.fetch.size": "77", "foo": "bar"}
        config.pop("max.batch.size")


def _pause(cluster: Cluster) -> None:
    cluster.workers.states = dict.fromkeys(cluster.workers.states, "PAUSED")


def _fail(cluster: Cluster) -> None:
    cluster.workers.states = dict.fromkeys(cluster.workers.states, "FAILED")


def _nothing(_: Cluster) -> None:
    """Nobody meddles."""


MEDDLINGS: list[Meddling] = [
    *(_lose_topics, _make_topics_again, _set, _more_partitions),
    *(_lose_connectors, _configure, _pause, _fail, _nothing),
]


def write(world: World, spec: dict[str, Any]) -> None:
    target(
        world,
        topic={"partitions": spec["partitions"], "retention": spec["retention"]},
        connector={"snapshot_fetch_size": spec["fetch"]},
    )
    source(world, *sorted(spec["collections"]), snapshot=spec["snapshot"], connector={"state": spec["state"]})


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(specs(), st.sampled_from(MEDDLINGS)), min_size=1, max_size=3))
def test_a_plan_after_an_apply_is_empty_and_after_meddling_only_drift_is_planned(
    cluster: Cluster,
    rounds: list[tuple[dict[str, Any], Meddling]],
) -> None:
    cluster.brokers.live.clear()
    cluster.workers.live.clear()
    cluster.workers.stored.clear()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for spec, meddle in rounds:
            write(world, spec)
            world.apply(allow_replace=True)
            again = world.plan()
            assert again.is_empty, again.pending
            assert len(cluster.brokers.live) == len(spec["collections"]) + 3
            meddle(cluster)
            assert bool(world.plan().drifted) == (meddle not in (_nothing, *_no_change(spec)))
            world.apply(allow_replace=True)
            assert world.plan().is_empty, world.plan().pending
            assert cluster.workers.states["local.orders"] == {"running": "RUNNING"}.get(
                spec["state"], spec["state"].upper()
            )


def _no_change(spec: dict[str, Any]) -> tuple[Meddling, ...]:
    """What makes no difference under a spec."""
    return (_pause,) if spec["state"] == "paused" else ()
