"""Plans and applies against a real Kafka, a real Kafka Connect and a real Debezium."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from pymongo.database import Database

from engine.errors import PlanRefused, TransportError
from engine.planner.explain import explain
from engine.planner.resnapshot import connectors_of, take_snapshots
from engine.planner.status import report
from engine.resources.change import Action
from engine.resources.connect_rest import ConnectRest
from engine.resources.connector_states import read_state
from engine.runtime.connector_watch import WatchedConnector
from engine.runtime.reports import Report
from tests.patience import wait_until
from tests.planner.worlds import decided
from tests.transport.conftest import KafkaWorld
from tests.transport.events import operations

Shop: TypeAlias = Database[Any]
pytestmark = [pytest.mark.kafka, pytest.mark.server]
CREATE, UPDATE, REPLACE = Action.CREATE, Action.UPDATE, Action.REPLACE


def test_an_apply_makes_a_connector_that_copies_and_follows(world: KafkaWorld, shop: Shop) -> None:
    shop.orders.insert_many([{"n": number} for number in range(5)])
    world.apply()
    assert operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 5) == ["r"] * 5
    shop.orders.insert_one({"n": 5})
    found = operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 6)
    assert sorted(found) == ["c", *["r"] * 5]


def test_a_second_plan_is_empty(world: KafkaWorld) -> None:
    world.apply()
    assert_settled(world)


def test_collections_with_odd_names_are_read_into_the_topics_that_were_made_for_them(
    world: KafkaWorld, shop: Shop
) -> None:
    for name in ("a b", "a.b-c", "köln", "x(y)"):
        shop[name].insert_one({"n": 1})
        world.source.counts[f"shop.{name}"] = 1
    del world.source.counts["shop.orders"]
    world.pipeline("orders", {"source": {"collections": ["shop.*"]}})
    world.apply()
    for name in ("a_b", "a.b-c", "k_ln", "x_y_"):
        topic = f"{world.connector}.shop.{name}"
        assert operations(world.servers.bootstrap, topic, lambda found: len(found) == 1) == ["r"], name
    created = {name for name in admin(world).list_topics(timeout=10).topics if world.prefix in name}
    assert len(created) == 4 + 3, created


def test_what_was_altered_outside_is_drift_and_is_put_right(world: KafkaWorld) -> None:
    world.apply()
    config = world.rest("/config")
    world.rest("/config", "PUT", config | {"max.batch.size": "99"})
    resource = ConfigResource(
        ResourceType.TOPIC,
        world.topic,
        incremental_configs=[ConfigEntry("retention.ms", "3600000", incremental_operation=AlterConfigOpType.SET)],
    )
    kafka = admin(world)
    kafka.incremental_alter_configs([resource])[resource].result(10)
    plan = world.plan()
    assert {change.title for change in plan.drifted} == {world.topic, world.connector}
    assert f"{world.topic} was altered (retention.ms)" in explain(plan)
    assert f"{world.connector} was altered (max.batch.size)" in explain(plan)
    world.apply()
    assert world.rest("/config")["max.batch.size"] == "2048"
    assert_settled(world)


def test_a_connector_that_was_paused_or_deleted_outside_runs_again_from_where_it_was(
    world: KafkaWorld, shop: Shop
) -> None:
    shop.orders.insert_one({"n": 0})
    world.apply()
    operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 1)
    world.rest("/pause", "PUT")
    assert [change.title for change in world.plan().drifted] == [world.connector]
    world.apply()
    assert world.rest("/status")["connector"]["state"] == "RUNNING"
    world.rest("", "DELETE")
    shop.orders.insert_one({"n": 1})
    assert decided(world.plan()) == {world.connector: CREATE}
    world.apply()
    assert operations(world.servers.bootstrap, world.topic, lambda found: len(found) >= 2) in (["r", "c"], ["c", "r"])


def test_a_new_setting_is_put_and_the_task_runs_on(world: KafkaWorld) -> None:
    world.apply()
    world.kafka(connector={"heartbeat_interval": "2s", "producer": {"compression": "lz4"}})
    assert decided(world.plan()) == {world.connector: UPDATE}
    world.apply()
    config = world.rest("/config")
    assert (config["heartbeat.interval.ms"], config["producer.override.compression.type"]) == ("2000", "lz4")
    assert world.rest("/status")["tasks"][0]["state"] == "RUNNING"
    assert_settled(world)


def test_what_debezium_refuses_is_told_with_its_line_before_anything_is_changed(world: KafkaWorld) -> None:
    text = (
        "pipeline: orders\nsource:\n  collections: [shop.orders]\n  connector:\n"
        "    max_batch_size: 50000\n    max_queue_size: 100\n"
    )
    (world.root / "specs" / "pipelines" / "orders.yaml").write_text(text)
    plan = world.plan()
    assert "orders.yaml:6:21 -> templates/debezium-mongodb.json.j2:" in plan.errors[0].where
    assert "Must be larger than the maximum batch size" in plan.errors[0].what
    with pytest.raises(PlanRefused, match=r"max\.queue\.size"):
        world.apply()
    assert not [name for name in admin(world).list_topics(timeout=10).topics if world.prefix in name]


def test_a_task_that_fails_is_told_by_the_first_line_of_its_trace(world: KafkaWorld, shop: Shop) -> None:
    shop.orders.insert_one({"n": 0})
    kind = "org.apache.kafka.connect.transforms.ExtractField$Key"
    world.kafka(connector={"config": {"transforms": "t", "transforms.t.type": kind, "transforms.t.field": "nobody"}})
    with suppress(TransportError):  # where the machine is quick, the apply sees it already
        world.apply()
    while "connector-failed" not in (told := {notice.code: notice for notice in world.plan().notices}):
        time.sleep(0.5)
    assert "Unknown field: nobody" in told["connector-failed"].what
    assert "\n" not in told["connector-failed"].what
    world.kafka()
    world.apply()
    assert_settled(world)


def test_a_task_that_has_failed_over_what_is_mended_by_now_runs_again_under_a_run(
    world: KafkaWorld, tmp_path: Path
) -> None:
    file = tmp_path / "mongodb.properties"
    file.write_text(f"uri={world.uri}\n")
    world.kafka(connector={"mongodb_uri_from": f"file:{file}:uri"})
    world.apply()
    rest, report = ConnectRest(world.servers.connect), Report("orders", "orders")
    watched = WatchedConnector(world.connector, rest, [report], is_ours=lambda: True)

    file.write_text("uri=nonsense\n")
    world.rest("/restart?includeTasks=true", "POST")
    wait_until(lambda: read_state(rest.status(world.connector)).is_failed)
    file.write_text(f"uri={world.uri}\n")
    watched.look(0)

    assert (report.counters.connector_failed, report.counters.connector_restarts) == (True, 1)
    wait_until(lambda: read_state(rest.status(world.connector)).is_running)
    watched.look(1)
    assert report.counters.connector_failed is False


def test_a_secret_is_found_by_the_workers_and_shown_nowhere(world: KafkaWorld, tmp_path: Path) -> None:
    file = tmp_path / "mongodb.properties"
    file.write_text(f"uri={world.uri}\n")
    world.kafka(connector={"mongodb_uri_from": f"file:{file}:uri"})
    plan = world.plan()
    world.apply_file(plan.to_text())
    assert world.rest("/config")["mongodb.connection.string"] == f"${{file:{file}:uri}}"
    assert world.uri not in plan.to_text() + explain(plan)
    for path in (world.root / ".oplake").rglob("*"):
        assert not path.is_file() or os.fsencode(world.uri) not in path.read_bytes(), path
    assert_settled(world)


def test_fewer_partitions_are_refused_until_they_are_allowed_then_everything_comes_again(
    world: KafkaWorld, shop: Shop
) -> None:
    shop.orders.insert_many([{"n": number} for number in range(3)])
    world.apply()
    operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 3)
    world.kafka(topic={"partitions": 2})
    with pytest.raises(PlanRefused, match="deletes its messages"):
        world.apply()
    world.apply(allow_replace=True)
    assert len(admin(world).list_topics(world.topic, timeout=10).topics[world.topic].partitions) == 2
    assert operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 3) == ["r"] * 3
    assert_settled(world)


def test_more_partitions_are_added_in_place(world: KafkaWorld) -> None:
    world.apply()
    world.kafka(topic={"partitions": 6})
    world.apply()
    assert len(admin(world).list_topics(world.topic, timeout=10).topics[world.topic].partitions) == 6
    assert_settled(world)


def test_a_topic_that_was_deleted_is_named_and_filled_again(world: KafkaWorld, shop: Shop) -> None:
    shop.orders.insert_many([{"n": number} for number in range(3)])
    world.apply()
    operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 3)
    kafka = admin(world)
    kafka.delete_topics([world.topic])[world.topic].result(10)
    plan = world.plan()
    assert world.topic in [change.title for change in plan.drifted]
    world.apply(allow_replace=True)
    assert operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 3) == ["r"] * 3
    assert_settled(world)


def test_a_new_collection_is_copied_without_copying_the_others(world: KafkaWorld, shop: Shop) -> None:
    shop.orders.insert_one({"n": 0})
    world.pipeline("orders", {"source": {"collections": ["shop.orders", "shop.users"]}})
    world.apply()
    operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 1)
    shop.items.insert_many([{"n": number} for number in range(4)])
    world.source.counts["shop.items"] = 4
    world.pipeline("orders", {"source": {"collections": ["shop.orders", "shop.users", "shop.items"]}})
    world.apply()
    topic = f"{world.connector}.shop.items"
    assert operations(world.servers.bootstrap, topic, lambda found: found.count("r") == 4).count("r") == 4
    shop.orders.insert_one({"n": 1})
    assert operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 2) in (["r", "c"], ["c", "r"])


def test_a_collection_is_copied_again_when_it_is_asked_for(world: KafkaWorld, shop: Shop) -> None:
    shop.orders.insert_many([{"n": number} for number in range(3)])
    world.apply()
    operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 3)
    with world.workspace() as workspace:
        asked = connectors_of(workspace, world.source, ["shop.orders"])
        take_snapshots(workspace, asked)
    assert operations(world.servers.bootstrap, world.topic, lambda found: len(found) == 6) == ["r"] * 6


def test_a_status_shows_topics_and_the_states_of_connectors(world: KafkaWorld) -> None:
    world.apply()
    with world.workspace(create=False) as workspace:
        found = report(workspace, nullcontext(world.source))
    standings = {one.title: one for one in found.standings}
    assert standings[world.connector].state == "RUNNING"
    assert standings[world.connector].detail == "RUNNING, task RUNNING"
    assert standings[world.topic].detail == "4 partitions, 1 copy, kept 7d"


def assert_settled(world: KafkaWorld) -> None:
    plan = world.plan()
    assert plan.is_empty, explain(plan)


def admin(world: KafkaWorld) -> AdminClient:
    return AdminClient({"bootstrap.servers": world.servers.bootstrap})
