"""A real Kafka and a real Kafka Connect with Debezium, and a project whose target is on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo import MongoClient

from engine.planner.destroy import destruction
from engine.stack.connect import ConnectWorker
from engine.stack.kafka import KafkaBroker
from tests.planner.worlds import World


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two are."""

    bootstrap: str
    connect: str


@pytest.fixture(scope="session")
def servers(kafka: KafkaBroker, connect: ConnectWorker) -> Servers:
    """The servers of this run."""
    return Servers(kafka.bootstrap_servers, connect.url)


@dataclass
class KafkaWorld(World):
    """A project with the pipeline ``orders`` on Kafka, and what a test looks up there."""

    uri: str = ""  # type: ignore[assignment]  # the MongoDB's, in place of a table's
    prefix: str = ""
    servers: Servers = Servers("", "")

    def kafka(self, **kafka: Any) -> None:  # noqa: ANN401 - whatever a spec may hold
        """Write the target; one copy of a topic, since there is one broker."""
        at = {"bootstrap_servers": self.servers.bootstrap, "connect_url": self.servers.connect}
        topic = {"replication_factor": 1} | kafka.pop("topic", {})
        transport = {"kafka": at | {"topic_prefix": self.prefix, "topic": topic} | kafka}
        self.target(self.uri, transport=transport)

    @property
    def connector(self) -> str:
        return f"{self.prefix}.orders"

    @property
    def topic(self) -> str:
        return f"{self.prefix}.orders.shop.orders"

    def rest(self, path: str = "", method: str = "GET", body: object = None) -> Any:  # noqa: ANN401 - Connect's JSON
        answer = httpx.request(
            method, f"{self.servers.connect}/connectors/{self.connector}{path}", json=body, timeout=30
        )
        return answer.json() if answer.content else None


@pytest.fixture
def world(tmp_path: Path, servers: Servers, mongo: str) -> Iterator[KafkaWorld]:
    """Nothing applied; whatever a test applies is destroyed after it."""
    world = KafkaWorld(tmp_path, uri=mongo, prefix=f"t{uuid.uuid4().hex[:8]}", servers=servers)
    world.kafka()
    world.spec()
    yield world
    with world.workspace() as workspace:
        workspace.executor(lambda *_: None).start(destruction(workspace))
    world.rest("", "DELETE")  # one whose apply failed is in no state


@pytest.fixture
def shop(mongo_client: MongoClient[Any]) -> Iterator[Any]:
    """The database ``shop``, empty."""
    mongo_client.drop_database("shop")
    yield mongo_client["shop"]
    mongo_client.drop_database("shop")
