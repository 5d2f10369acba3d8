"""What becomes of topics, and of what is made from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.errors import PlanRefused
from engine.planner.explain import explain
from engine.resources.change import Action
from tests.planner.brokers import Cluster
from tests.planner.kafka.worlds import CONNECTOR, TOPIC, steps, target
from tests.planner.worlds import World, decided

UPDATE, REPLACE = Action.UPDATE, Action.REPLACE


def test_more_partitions_warn_what_becomes_of_the_order(world: World, cluster: Cluster) -> None:
    world.apply()
    target(world, topic={"partitions": 6})
    plan = world.plan()
    assert decided(plan)[TOPIC] is UPDATE
    assert "documents move to other partitions (4 -> 6)" in explain(plan)
    world.apply()
    assert cluster.brokers.live[TOPIC].partitions == 6
    assert world.plan().is_empty


def test_fewer_partitions_replace_the_topic_and_what_is_made_from_it_when_allowed(
    world: World, cluster: Cluster
) -> None:
    world.apply()
    world.fill(3)
    target(world, topic={"partitions": 2})
    plan = world.plan()
    assert {title: action for title, action in decided(plan).items() if action is REPLACE} == {
        TOPIC: REPLACE,
        "orders/changes": REPLACE,
        "orders/current": REPLACE,
    }
    assert "deletes 3 rows of change history" in explain(plan)
    with pytest.raises(PlanRefused, match="deletes its messages"):
        world.apply()
    assert cluster.brokers.live[TOPIC].partitions == 4
    world.apply(allow_replace=True)
    assert cluster.brokers.live[TOPIC].partitions == 2
    assert cluster.signals == [(CONNECTOR, ("shop.orders",))]
    assert world.plan().is_empty


def test_a_connector_stands_still_before_its_topic_is_deleted(world: World) -> None:
    world.apply()
    target(world, topic={"partitions": 2})
    order = steps(world)
    assert order[0] == f"halt {CONNECTOR}"
    assert order.index(f"erase {TOPIC}") < order.index(f"create {TOPIC}")
    assert order[-1] == f"alter {CONNECTOR}"


def test_a_retention_that_somebody_altered_is_drift_that_names_it(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.brokers.configure(TOPIC, {"retention.ms": "1000"})
    plan = world.plan()
    assert f"Drift: {TOPIC} was altered (retention.ms)." in explain(plan)
    world.apply()
    assert cluster.brokers.live[TOPIC].config["retention.ms"] == "604800000"
    assert world.plan().is_empty


def test_a_setting_of_a_topic_that_nobody_asked_for_is_taken_back(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.brokers.configure(TOPIC, {"segment.ms": "1000"})
    assert [change.title for change in world.plan().drifted] == [TOPIC]
    world.apply()
    assert cluster.brokers.live[TOPIC].config["segment.ms"] == "604800000"
    assert world.plan().is_empty


def test_a_topic_that_was_deleted_is_drift_and_its_table_begins_anew(world: World, cluster: Cluster) -> None:
    world.apply()
    del cluster.brokers.live[TOPIC]
    plan = world.plan()
    assert f"{TOPIC} was removed" in explain(plan)
    assert decided(plan)["orders/changes"] is REPLACE
    world.apply(allow_replace=True)
    assert cluster.signals == [(CONNECTOR, ("shop.orders",))]
    assert world.plan().is_empty


def test_a_topic_that_was_deleted_and_made_again_is_not_taken_for_the_first(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.brokers.live[TOPIC] = replace(cluster.brokers.live[TOPIC], id="another")
    plan = world.plan()
    assert [change.title for change in plan.drifted] == [TOPIC]
    assert decided(plan)[TOPIC] is REPLACE
    assert "messages of the first are gone" in explain(plan)


@pytest.mark.parametrize(
    ("brokers", "topic", "code"),
    [
        (1, {"replication_factor": 1}, "single-broker"),
        (2, {"replication_factor": 3}, "too-many-replicas"),
        (3, {"replication_factor": 2, "min_insync_replicas": 3}, "too-few-replicas"),
        (3, {"replication_factor": 2}, "no-spare-replica"),
        (3, {"min_insync_replicas": 1}, "unsafe-acks"),
        (3, {"config": {"cleanup.policy": "compact"}}, "compacted-topic"),
    ],
)
def test_what_the_brokers_make_of_the_settings_is_told(
    world: World, cluster: Cluster, brokers: int, topic: dict[str, Any], code: str
) -> None:
    cluster.brokers.number = brokers
    target(world, topic=topic)
    assert code in [notice.code for notice in world.plan().notices]


def test_sound_settings_on_three_brokers_warn_of_nothing(world: World) -> None:
    assert [notice.code for notice in world.plan().notices] == ["open-password"]
