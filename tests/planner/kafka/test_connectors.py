"""What becomes of connectors: settings, states, snapshots, offsets."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import PlanRefused, TransportError
from engine.planner.apply import apply_scope
from engine.planner.explain import explain
from engine.planner.scope import scopes
from engine.planner.workspace import open_workspace
from engine.resources.change import Action
from engine.resources.connector_template import TemplateError
from engine.spec.project import load_project
from tests.planner.brokers import Cluster
from tests.planner.kafka.worlds import CONNECTOR, source, target
from tests.planner.worlds import World, decided, how

CREATE, UPDATE = Action.CREATE, Action.UPDATE


def test_numbers_and_booleans_are_compared_by_what_they_mean(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.live[CONNECTOR] |= {"tombstones.on.delete": "True", "max.batch.size": " 2048 "}
    assert world.plan().is_empty


def test_a_setting_changed_or_added_outside_is_drift_and_is_put_right(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.live[CONNECTOR] |= {"max.batch.size": "1", "heartbeat.action.query": "x"}
    plan = world.plan()
    assert "Drift: local.orders was altered (max.batch.size, heartbeat.action.query)." in explain(plan)
    world.apply()
    assert cluster.workers.live[CONNECTOR]["max.batch.size"] == "2048"
    assert "heartbeat.action.query" not in cluster.workers.live[CONNECTOR]
    assert world.plan().is_empty


def test_a_connector_that_somebody_paused_is_drift_and_runs_again(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.states[CONNECTOR] = "PAUSED"
    assert [change.title for change in world.plan().drifted] == [CONNECTOR]
    world.apply()
    assert cluster.workers.states[CONNECTOR] == "RUNNING"


@pytest.mark.parametrize(("state", "live"), [("paused", "PAUSED"), ("stopped", "STOPPED")])
def test_the_spec_pauses_and_stops_a_connector(world: World, cluster: Cluster, state: str, live: str) -> None:
    world.apply()
    source(world, "shop.orders", connector={"state": state})
    assert decided(world.plan()) == {CONNECTOR: UPDATE}
    world.apply()
    assert cluster.workers.states[CONNECTOR] == live
    assert world.plan().is_empty


def test_a_pipeline_may_have_settings_of_its_own(world: World, cluster: Cluster) -> None:
    target(world, connector={"max_batch_size": 100, "poll_interval": "1s", "config": {"a": "1", "b": "2"}})
    source(world, "shop.orders", connector={"poll_interval": "5s", "config": {"b": "3"}})
    world.apply()
    config = cluster.workers.live[CONNECTOR]
    assert [config[key] for key in ("max.batch.size", "poll.interval.ms", "a", "b")] == ["100", "5000", "1", "3"]


def test_the_workers_may_reach_kafka_by_another_address(world: World, cluster: Cluster) -> None:
    target(world, connector={"signal_bootstrap_servers": "inside:9092"})
    world.apply()
    assert cluster.workers.live[CONNECTOR]["signal.kafka.bootstrap.servers"] == "inside:9092"


def test_a_free_setting_cannot_undo_one_that_exactly_once_rests_on(world: World) -> None:
    target(world, connector={"config": {"producer.override.acks": "1"}})
    with pytest.raises(TemplateError, match=r"`producer\.override\.acks` twice"):
        world.plan()


def test_settings_of_the_connector_are_no_concern_of_the_tables(world: World) -> None:
    world.apply()
    source(world, "shop.orders", connector={"poll_interval": "5s"})
    assert decided(world.plan()) == {CONNECTOR: UPDATE}


def test_a_connector_that_fails_at_its_start_fails_the_apply_with_the_reason(world: World, cluster: Cluster) -> None:
    cluster.workers.fails = "java.lang.Boom: no such host\n\tat a.b.C\nCaused by: x: user:pw@host"
    with pytest.raises(TransportError, match=r"has failed: java\.lang\.Boom: no such host; caused by x"):
        world.apply()


def test_a_connector_that_has_failed_is_told_and_started_again(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.states[CONNECTOR] = "FAILED"
    plan = world.plan()
    assert "connector-failed" in [notice.code for notice in plan.notices]
    assert decided(plan) == {CONNECTOR: UPDATE}
    world.apply()
    assert f"restart {CONNECTOR}" in cluster.workers.done
    assert world.plan().is_empty


def test_a_new_collection_is_copied_alone_by_the_connector_that_runs(world: World, cluster: Cluster) -> None:
    source(world, "shop.orders", "shop.users")
    world.apply()
    source(world, "shop.orders", "shop.users", "shop.items")
    plan = world.plan()
    assert decided(plan) == {
        "local.orders.shop.items": CREATE,
        "orders_items/changes": CREATE,
        "orders_items/current": CREATE,
        CONNECTOR: UPDATE,
    }
    world.apply()
    assert cluster.signals == [(CONNECTOR, ("shop.items",))]
    assert world.plan().is_empty


def test_without_a_first_snapshot_a_new_collection_is_not_copied(world: World, cluster: Cluster) -> None:
    source(world, "shop.orders", "shop.users", snapshot="no_data")
    world.apply()
    source(world, "shop.orders", "shop.users", "shop.items", snapshot="no_data")
    world.apply()
    assert cluster.signals == []


def test_a_table_that_is_replaced_gets_its_documents_again(world: World, cluster: Cluster) -> None:
    world.apply()
    world.spec(partition_by=[])
    world.apply(allow_replace=True)
    assert cluster.signals == [(CONNECTOR, ("shop.orders",))]


def test_a_folded_table_that_is_replaced_needs_no_snapshot(world: World, cluster: Cluster) -> None:
    world.apply()
    world.spec(mode="history")
    world.apply(allow_replace=True)
    assert cluster.signals == []


def test_a_connector_that_was_deleted_goes_on_from_its_offsets(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.delete(CONNECTOR)
    assert decided(world.plan()) == {CONNECTOR: CREATE}
    world.apply()
    assert cluster.workers.stored[CONNECTOR]
    assert "forget local.orders" not in cluster.workers.done


def test_offsets_of_an_earlier_connector_are_not_gone_on_from_in_silence(world: World, cluster: Cluster) -> None:
    cluster.workers.stored[CONNECTOR] = ["somewhere"]
    with pytest.raises(PlanRefused, match="offsets of an earlier connector") as caught:
        world.apply()
    assert "--reset-offsets" in caught.value.remedy
    assert CONNECTOR not in cluster.workers.live
    scope = scopes(load_project(world.root))[0]
    with open_workspace(scope, create=True, reset_offsets=True) as workspace:
        apply_scope(workspace, world.source, how())
    assert f"forget {CONNECTOR}" in cluster.workers.done
    assert world.plan().is_empty


def test_a_connector_of_somebody_else_is_never_touched(world: World, cluster: Cluster) -> None:
    cluster.workers.put(CONNECTOR, {"connector.class": "org.example.Other"})
    assert [notice.code for notice in world.plan().errors] == ["foreign-connector"]
    with pytest.raises(PlanRefused, match="oplake did not make"):
        world.apply(allow_replace=True)


def test_a_start_at_the_newest_change_warns_of_what_a_crash_loses(world: World) -> None:
    source(world, "shop.orders", snapshot="no_data")
    assert "unstored-start" in [notice.code for notice in world.plan().notices]


@pytest.mark.parametrize(
    ("collections", "connector"),
    [(["shop.a,b"], {}), (["shop.orders", "other.users"], {"capture_scope": "database"})],
)
def test_collections_that_a_connector_cannot_follow_are_an_error(
    world: World, collections: list[str], connector: dict[str, Any]
) -> None:
    source(world, *collections, connector=connector)
    assert [notice.code for notice in world.plan().errors] == ["connector-collections"]
