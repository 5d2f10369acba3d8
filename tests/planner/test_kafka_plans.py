"""Plans on a Kafka target: topics, tables and a connector, in the order that loses nothing."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import PlanRefused, TransportError
from engine.planner.apply import apply_scope
from engine.planner.destroy import destruction
from engine.planner.explain import explain
from engine.planner.scope import scopes
from engine.planner.status import report
from engine.planner.steps import steps_of
from engine.planner.workspace import open_workspace
from engine.resources.change import Action
from engine.resources.connector_template import TemplateError
from engine.spec.project import load_project
from tests.planner.brokers import Cluster
from tests.planner.worlds import World, decided, how

CREATE, UPDATE, REPLACE, DELETE = Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE
TOPIC = "local.orders.shop.orders"
CONNECTOR = "local.orders"
PASSWORD = "correct-horse-battery-staple"  # noqa: S105 - a secret for the test to look for
URI = f"mongodb://user:{PASSWORD}@127.0.0.1:1/"


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


def target(world: World, **kafka: Any) -> None:  # noqa: ANN401 - whatever a spec may hold
    servers = {"bootstrap_servers": "b:9092", "connect_url": "http://c:8083"}
    world.target(URI, transport={"kafka": servers | kafka})


def source(world: World, *collections: str, **more: Any) -> None:  # noqa: ANN401 - the same
    world.pipeline("orders", {"source": {"collections": list(collections), **more}, "table": {}})
    world.source.counts |= dict.fromkeys(collections, 2)


def steps(world: World) -> list[str]:
    plan = world.plan()
    titles = {change.address: change.title for change in plan.changes}
    return [f"{step.verb} {titles[step.address]}" for step in steps_of(plan)]


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


def test_planning_and_applying_leave_no_secret_behind(world: World) -> None:
    plan = world.plan()
    world.apply_file(plan.to_text())
    assert PASSWORD not in plan.to_text() + explain(plan)
    for path in (world.root / ".oplake").rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def test_the_connector_itself_gets_the_secret(world: World, cluster: Cluster) -> None:
    world.apply()
    assert cluster.workers.live[CONNECTOR]["mongodb.connection.string"] == URI


def test_a_masked_secret_is_no_drift(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.masks = True
    assert world.plan().is_empty


def test_another_secret_is_drift_that_shows_digests_only(world: World, cluster: Cluster) -> None:
    world.apply()
    cluster.workers.live[CONNECTOR]["mongodb.connection.string"] = "mongodb://thief:gotcha@elsewhere/"
    plan = world.plan()
    assert [change.title for change in plan.drifted] == [CONNECTOR]
    assert "sha256:" in explain(plan)
    assert "gotcha" not in explain(plan) + plan.to_text()


def test_a_secret_that_changed_since_the_plan_was_made_is_not_applied(world: World) -> None:
    text = world.plan().to_text()
    servers = {"bootstrap_servers": "b:9092", "connect_url": "http://c:8083"}
    world.target(URI.replace(PASSWORD, "another"), transport={"kafka": servers})
    with pytest.raises(PlanRefused, match="stale"):
        world.apply_file(text)


def test_workers_may_find_the_secret_themselves(world: World, cluster: Cluster) -> None:
    target(world, connector={"mongodb_uri_from": "file:/run/secrets/m.properties:uri"})
    world.apply()
    assert cluster.workers.live[CONNECTOR]["mongodb.connection.string"] == "${file:/run/secrets/m.properties:uri}"
    assert world.plan().is_empty
    assert not [notice for notice in world.plan().notices if notice.code == "open-password"]


def test_an_open_password_is_told(world: World) -> None:
    assert "open-password" in [notice.code for notice in world.plan().notices]


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


def test_a_start_at_the_newest_change_warns_of_what_a_crash_loses(world: World) -> None:
    source(world, "shop.orders", snapshot="no_data")
    assert "unstored-start" in [notice.code for notice in world.plan().notices]


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


def test_what_connect_refuses_names_spec_line_template_line_and_setting(world: World, cluster: Cluster) -> None:
    cluster.workers.refuses = {"max.queue.size": ["Must be larger than the maximum batch size"]}
    text = "pipeline: orders\nsource:\n  collections: [shop.orders]\n  connector:\n    max_queue_size: 9\n"
    (world.root / "specs" / "pipelines" / "orders.yaml").write_text(text)
    (notice,) = world.plan().errors
    spec, template, setting = notice.where.split(" -> ")
    assert spec.endswith("pipelines/orders.yaml:5:21")
    assert template.startswith("templates/debezium-mongodb.json.j2:")
    assert setting == "max.queue.size"
    with pytest.raises(PlanRefused, match="larger than the maximum batch size"):
        world.apply()
    assert cluster.brokers.live == {}


def test_what_connect_says_of_a_secret_is_not_repeated(world: World, cluster: Cluster) -> None:
    cluster.workers.refuses = {"mongodb.connection.string": [f"cannot connect to {URI}"]}
    plan = world.plan()
    assert plan.errors
    assert PASSWORD not in plan.to_text() + explain(plan)


@pytest.mark.parametrize(
    ("collections", "connector"),
    [(["shop.a,b"], {}), (["shop.orders", "other.users"], {"capture_scope": "database"})],
)
def test_collections_that_a_connector_cannot_follow_are_an_error(
    world: World, collections: list[str], connector: dict[str, Any]
) -> None:
    source(world, *collections, connector=connector)
    assert [notice.code for notice in world.plan().errors] == ["connector-collections"]


def own_template(world: World, text: str) -> None:
    path = world.root / "templates" / "debezium-mongodb.json.j2"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


MINIMAL = (
    '{"connector.class": "MongoDbConnector", "topic.prefix": {{ topic_prefix | tojson }}, "signal.kafka.topic": "s"}'
)


def test_a_project_may_have_a_template_of_its_own(world: World, cluster: Cluster) -> None:
    own_template(world, MINIMAL)
    world.apply()
    assert set(cluster.workers.live[CONNECTOR]) == {"connector.class", "topic.prefix", "signal.kafka.topic"}
    assert world.plan().is_empty


def test_another_template_makes_a_plan_stale(world: World) -> None:
    text = world.plan().to_text()
    own_template(world, MINIMAL)
    with pytest.raises(PlanRefused, match=r"templates/debezium-mongodb\.json\.j2 is new"):
        world.apply_file(text)


def test_a_literal_password_in_a_template_stays_out_of_the_plan(world: World, cluster: Cluster) -> None:
    own_template(world, '{"connector.class": "MongoDbConnector", "mongodb.password": "' + PASSWORD + '"}')
    plan = world.plan()
    world.apply_file(plan.to_text())
    assert PASSWORD not in plan.to_text()
    assert cluster.workers.live[CONNECTOR]["mongodb.password"] == PASSWORD
    assert world.plan().is_empty


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('{\n  "a": {{ settings.no_such_key }}\n}', 2, "no_such_key"),
        ('{\n  "a": {{ nobody }}\n}', 2, "nobody"),
        ('{\n  "a": {% if %}\n}', 2, "Expected an expression"),
        ('{\n  "a": 1,\n  "b": oops\n}', 3, "no JSON after `b`"),
        ('{\n  "a": 1,\n  "a": 2\n}', 2, "gives `a` twice"),
        ('{\n  "a": [1]\n}', 2, "neither text, a number"),
        ("[1]", None, "no mapping"),
        ('{% for n in range(90000) %}{{ "xxxxxxxxxx" }}{% endfor %}', None, "more than 131,072 characters"),
        ('{\n  "a": {{ settings.__class__.__mro__ }}\n}', 2, "unsafe"),
        ('{\n  "a": {{ collections.append("x") }}\n}', 2, "unsafe"),
    ],
)
def test_a_wrong_template_names_its_line(world: World, text: str, line: int | None, what: str) -> None:
    own_template(world, text)
    with pytest.raises(TemplateError, match=what) as caught:
        world.plan()
    assert caught.value.where == "templates/debezium-mongodb.json.j2" + (f":{line}" if line else "")
