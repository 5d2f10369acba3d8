"""Manifests for Strimzi say what a plan would do to Kafka and Kafka Connect."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from engine.cli.render import render
from engine.errors import PlanRefused, UsageError
from engine.resources.strimzi import kubernetes_name
from tests.planner.worlds import World

FROM = "file:/opt/kafka/external-configuration/mongodb/uri.properties:uri"
STRIMZI = Path(__file__).parents[1] / "deploy" / "strimzi"
SERVERS = {"bootstrap_servers": "kafka:9092", "connect_url": "http://c:8083"}


def written(world: World, *options: str) -> list[dict[str, Any]]:
    found = CliRunner().invoke(render, ["--project", str(world.root), *options], catch_exceptions=False)
    return list(YAML(typ="safe", pure=True).load_all(found.output))


def on_kafka(world: World, **connector: Any) -> None:  # noqa: ANN401 - whatever a spec may hold
    kafka = SERVERS | {"connector": connector}
    world.target("mongodb://user:hunter2@127.0.0.1:1/", transport={"kafka": kafka})


def test_a_target_becomes_workers_topics_and_a_connector_a_pipeline(world: World) -> None:
    on_kafka(world, mongodb_uri_from=FROM)
    world.spec("order_items")
    found = written(world, "--cluster", "cdc", "--kafka-cluster", "main")
    assert [one["kind"] for one in found] == ["KafkaConnect", *(["KafkaTopic"] * 4 + ["KafkaConnector"]) * 2]
    workers, topic = found[0], found[1]
    assert workers["metadata"]["annotations"] == {"strimzi.io/use-connector-resources": "true"}
    assert workers["spec"]["config"]["exactly.once.source.support"] == "enabled"
    assert topic["metadata"]["labels"] == {"strimzi.io/cluster": "main"}
    assert topic["spec"]["topicName"] == "local.order_items.shop.order_items"
    assert (topic["spec"]["partitions"], topic["spec"]["replicas"]) == (4, 3)
    connector = found[5]
    assert connector["metadata"] == {"name": "local.order-items", "labels": {"strimzi.io/cluster": "cdc"}}
    assert connector["spec"]["class"] == "io.debezium.connector.mongodb.MongoDbConnector"
    assert (connector["spec"]["tasksMax"], connector["spec"]["state"]) == (1, "running")
    assert connector["spec"]["config"]["mongodb.connection.string"] == f"${{{FROM}}}"
    assert connector["spec"]["config"]["topic.prefix"] == "local.order_items"


@pytest.mark.parametrize("state", ["running", "paused", "stopped"])
def test_every_resource_is_one_that_strimzi_takes(world: World, state: str) -> None:
    on_kafka(world, mongodb_uri_from=FROM, state=state)
    world.spec("order_items")
    for one in written(world):
        kind = json.loads((STRIMZI / f"{one['kind']}.json").read_text())
        assert one["apiVersion"] == f"{kind['group']}/{kind['version']}"
        jsonschema.validate(one, closed(kind["schema"]))
        refused = {**one, "spec": {**one["spec"], "unknown": 1}}
        with pytest.raises(jsonschema.ValidationError, match="unknown"):
            jsonschema.validate(refused, closed(kind["schema"]))


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as Kubernetes checks it strictly: fields that it does not name are refused."""
    properties = schema.get("properties", {})
    inner = {name: one if name == "metadata" else closed(one) for name, one in properties.items()}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema or not inner
    return schema | ({"properties": inner} if inner else {}) | ({} if is_open else {"additionalProperties": False})


def test_every_name_is_one_that_kubernetes_takes(world: World) -> None:
    on_kafka(world, mongodb_uri_from=FROM)
    world.spec("order_items")
    label = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
    for one in written(world):
        assert re.fullmatch(rf"{label}(\.{label})*", one["metadata"]["name"]), one["metadata"]["name"]


@pytest.mark.parametrize(
    ("name", "made"), [("__debezium-heartbeat.a", "debezium-heartbeat.a"), ("a_B", "a-b"), ("x" * 300, "x" * 253)]
)
def test_a_name_is_made_fit_for_kubernetes(name: str, made: str) -> None:
    assert kubernetes_name(name) == made


def test_a_secret_never_stands_in_a_manifest(world: World) -> None:
    on_kafka(world)
    with pytest.raises(PlanRefused, match=r"mongodb\.connection\.string") as caught:
        written(world)
    assert "mongodb_uri_from" in caught.value.remedy
    assert "hunter2" not in str(caught.value)


def test_a_target_without_kafka_has_nothing_to_render(world: World) -> None:
    with pytest.raises(UsageError, match="no Kafka"):
        written(world)
