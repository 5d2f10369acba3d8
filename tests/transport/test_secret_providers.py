"""Connect finds the connection string itself, as the targets of the local stack and of compose have it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from engine.planner.destroy import destruction
from engine.stack.connect import URI_KEY, ConnectWorker
from engine.stack.target_text import target_text
from tests.conftest import HEAP_MB
from tests.deploy.prometheus import ROOT
from tests.kafka.broker import TestBroker
from tests.transport.conftest import KafkaWorld, Servers
from tests.transport.events import operations

pytestmark = [pytest.mark.kafka, pytest.mark.server]
MARK = "appName=told-by-nobody"


@pytest.fixture(scope="module")
def worker(kafka: TestBroker, mongo: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectWorker]:
    """A worker that has the string in its file and in its environment."""
    uri, group = f"{mongo}&{MARK}", f"told-{uuid.uuid4().hex[:8]}"
    own = {f"{kind}.storage.topic": f"{group}-{kind}" for kind in ("config", "offset", "status")}
    started = ConnectWorker(
        tmp_path_factory.mktemp("connect"),
        bootstrap_servers=kafka.bootstrap_servers,
        heap_mb=HEAP_MB,
        settings={"group.id": group, **own},
        secrets={URI_KEY: uri},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONGODB_URI", uri)
        patch.setenv("MONGODB_URI_OF_SOMEBODY", "hunter2")
        started.start()
    with started:
        yield started


def connector_of(text: str) -> Mapping[str, Any]:
    """What a target says of its connectors, but for addresses that only its own containers know."""
    found = YAML(typ="safe").load(text)["transport"]["kafka"]["connector"]
    return {name: value for name, value in found.items() if name != "signal_bootstrap_servers"}


@pytest.fixture(params=["local stack", "compose"])
def told(request: pytest.FixtureRequest, worker: ConnectWorker) -> Mapping[str, Any]:
    if request.param == "compose":
        return connector_of((ROOT / "deploy" / "compose" / "target.yaml").read_text())
    addresses = {"mongodb": "mongodb://a", "kafka": "b:1", "connect": "c"}
    return connector_of(target_text("t", addresses, 1, ".oplake/stack", worker.secrets))


def test_changes_travel_and_nobody_who_asks_connect_is_told_the_string(
    told: Mapping[str, Any],
    worker: ConnectWorker,
    kafka: TestBroker,
    mongo: str,
    shop: Any,  # noqa: ANN401 - a database
    tmp_path: Path,
) -> None:
    shop.orders.insert_many([{"n": number} for number in range(3)])
    prefix = f"t{uuid.uuid4().hex[:8]}"
    world = KafkaWorld(tmp_path, uri=mongo, prefix=prefix, servers=Servers(kafka.bootstrap_servers, worker.url))
    world.kafka(connector=dict(told))
    world.spec()
    world.apply()
    try:
        assert operations(kafka.bootstrap_servers, world.topic, lambda found: len(found) == 3) == ["r"] * 3
        for path in ("", "/config", "/status", "/tasks"):
            assert MARK not in str(world.rest(path))
        assert world.rest("/config")["mongodb.connection.string"] == f"${{{told['mongodb_uri_from']}}}"
    finally:
        with world.workspace() as workspace:
            workspace.executor(lambda *_: None).start(destruction(workspace))


def test_connect_resolves_no_other_variable_of_its_environment(worker: ConnectWorker) -> None:
    kind = "io.debezium.connector.mongodb.MongoDbConnector"
    told = {}
    for variable in ("MONGODB_URI", "MONGODB_URI_OF_SOMEBODY"):
        config = {"connector.class": kind, "name": "x", "topic.prefix": f"${{env:{variable}}}"}
        told[variable] = httpx.put(
            f"{worker.url}/connector-plugins/{kind}/config/validate", json=config, timeout=60
        ).text
    assert MARK in told["MONGODB_URI"], "what Connect resolves, it tells: so nothing else may be asked for"
    assert "${env:MONGODB_URI_OF_SOMEBODY} has invalid format" in told["MONGODB_URI_OF_SOMEBODY"]
    assert "hunter2" not in told["MONGODB_URI_OF_SOMEBODY"]
