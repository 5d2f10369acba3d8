"""Plans on a Kafka target: topics, tables and a connector, in the order that loses nothing."""

from __future__ import annotations

import shutil
from contextlib import nullcontext

import pytest

from engine.errors import TransportError
from engine.planner.destroy import destruction
from engine.planner.explain import explain
from engine.planner.status import report
from engine.planner.steps import steps_of
from engine.resources.change import Action
from tests.planner.brokers import Cluster
from tests.planner.kafka.worlds import CONNECTOR, TOPIC, URI, steps
from tests.planner.worlds import World, decided

UPDATE, REPLACE = Action.UPDATE, Action.REPLACE


def test_a_pipeline_gets_its_topics_then_its_tables_then_its_connector(world: World) -> None:
    assert steps(world) == [
        "create __debezium-heartbeat.local.orders",
        f"create {TOPIC}",
        "create local.orders.signals",
        "create local.orders.transaction",
        "create orders/changes",
        "create orders/current",
        f"create {CONNECTOR}",
    ]


def test_a_second_plan_is_empty(world: World) -> None:
    world.apply()
    plan = world.plan()
    assert plan.is_empty
    assert "No changes: 1 connector, 2 tables, 4 topics as git asks." in explain(plan)


def test_destroying_ends_the_connector_first_and_its_topics_last(world: World, cluster: Cluster) -> None:
    world.apply()
    with world.workspace() as workspace:
        plan = destruction(workspace)
        workspace.executor(lambda *_: None).start(plan)
    erased = [step.address for step in steps_of(plan) if step.verb == "erase"]
    assert erased[0] == f"connector.{CONNECTOR}"
    assert {address.partition(".")[0] for address in erased[-4:]} == {"topic"}
    assert cluster.brokers.live == {}
    assert cluster.workers.live == {}
    assert cluster.workers.stored == {}


def test_a_lost_state_is_won_back(world: World) -> None:
    world.apply()
    world.fill(3)
    shutil.rmtree(world.root / ".oplake")
    plan = world.plan()
    assert set(decided(plan).values()) == {UPDATE}
    assert not plan.drifted
    world.apply()
    assert world.plan().is_empty


def test_what_was_added_while_the_state_was_lost_is_taken_away(world: World, cluster: Cluster) -> None:
    world.apply()
    shutil.rmtree(world.root / ".oplake")
    cluster.workers.live[CONNECTOR] |= {"transforms": "t"}
    cluster.brokers.configure(TOPIC, {"segment.ms": "1000"})
    world.apply()
    assert "transforms" not in cluster.workers.live[CONNECTOR]
    assert world.plan().is_empty


def test_another_transport_needs_new_tables_and_leaves_the_old_servers_alone(world: World, cluster: Cluster) -> None:
    world.apply()
    world.target(URI)
    plan = world.plan()
    assert decided(plan) == {"orders/changes": REPLACE, "orders/current": REPLACE}
    assert "transport-left" in [notice.code for notice in plan.notices]
    world.apply(allow_replace=True)
    assert TOPIC in cluster.brokers.live


def test_a_status_works_while_kafka_and_connect_are_down(
    world: World, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply()

    def away(*_: object) -> None:
        raise TransportError("nobody answers")

    monkeypatch.setattr(cluster.brokers, "topics", away)
    monkeypatch.setattr(cluster.workers, "connectors", away)
    with world.workspace(create=False) as workspace:
        found = report(workspace, nullcontext(world.source))
    assert {(one.state, one.problem) for one in found.standings} == {("unknown", "nobody answers")}
    assert [table.table for table in found.tables] == ["orders/changes", "orders/current"]
    assert [table.state for table in found.tables] == ["ok", "ok"]


def test_a_status_tells_states_and_drift(world: World, cluster: Cluster) -> None:
    world.apply()
    del cluster.brokers.live[TOPIC]
    cluster.workers.states[CONNECTOR] = "FAILED"
    cluster.workers.fails = "java.lang.Boom: no such host"
    with world.workspace(create=False) as workspace:
        found = report(workspace, nullcontext(world.source))
    standings = {one.title: one for one in found.standings}
    assert standings[TOPIC].state == "drift"
    assert standings["local.orders.signals"].state == "ok"
    assert (standings[CONNECTOR].detail, standings[CONNECTOR].problem) == (
        "FAILED, task FAILED",
        "java.lang.Boom: no such host",
    )
