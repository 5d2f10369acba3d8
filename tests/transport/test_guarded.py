"""The whole transport over SASL_SSL with an authority of its own: Connect, Debezium and its signals, plans, workers."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from engine.planner.destroy import destruction
from engine.planner.resnapshot import connectors_of, take_snapshots
from engine.stack.connect import ConnectWorker
from tests.conftest import HEAP_MB
from tests.faults.spec_folder import OPLAKE
from tests.kafka.broker import PASSWORD, TestBroker
from tests.patience import wait_until
from tests.private_ca import PrivateCa
from tests.transport.conftest import KafkaWorld, Servers

pytestmark = [pytest.mark.kafka, pytest.mark.server]
JAAS = "sasl.jaas.config"


@pytest.fixture(scope="module")
def guarded_connect(
    kafka: TestBroker, certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConnectWorker]:
    """A worker whose every client is on the guarded listener."""
    client = kafka.guarded_java_client(certificate)
    settings = {
        f"{prefix}{name}": value
        for prefix in ("", "producer.", "consumer.", "admin.")
        for name, value in client.items()
    }
    settings |= {"group.id": "guarded"} | {
        f"{kind}.storage.topic": f"guarded-{kind}" for kind in ("config", "offset", "status")
    }
    folder = tmp_path_factory.mktemp("connect")
    worker = ConnectWorker(folder, bootstrap_servers=kafka.guarded_address, heap_mb=HEAP_MB, settings=settings)
    with worker:
        worker.secrets.write_text(f"jaas={client[JAAS]}\n")
        yield worker


@pytest.fixture
def guarded(
    tmp_path: Path, kafka: TestBroker, certificate: Path, guarded_connect: ConnectWorker, mongo: str
) -> Iterator[KafkaWorld]:
    """The project, its target on the guarded listener; whatever a test applies is destroyed after it."""
    servers = Servers(kafka.guarded_address, guarded_connect.url)
    world = KafkaWorld(tmp_path, uri=mongo, prefix=f"t{uuid.uuid4().hex[:8]}", servers=servers)
    of_signals = {
        f"signal.consumer.{name}": value
        for name, value in kafka.guarded_java_client(certificate).items()
        if name != JAAS
    }
    from_worker = {f"signal.consumer.{JAAS}": f"file:{guarded_connect.secrets}:jaas"}
    connector = {"config": of_signals, "config_from": from_worker}
    world.kafka(client=kafka.guarded_client(certificate), connector=connector)
    world.pipeline("orders", {"source": {"collections": ["shop.orders"]}, "table": {"mode": "current"}})
    yield world
    with world.workspace() as workspace:
        workspace.executor(lambda *_: None).start(destruction(workspace))


def oplake(world: KafkaWorld, *words: str) -> subprocess.CompletedProcess[str]:
    command = [OPLAKE, *words, "--project", str(world.root)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def rows(world: KafkaWorld, sql: str) -> int:
    """The number that a query of the table answers, once what is in the topic is in it."""
    assert oplake(world, "run", "--until-caught-up").returncode == 0
    return int(oplake(world, "query", sql, "--format", "csv").stdout.split()[-1])


def test_changes_and_signals_come_through(guarded: KafkaWorld, shop: Database[Any]) -> None:
    shop["orders"].insert_many([{"_id": number} for number in range(5)])
    guarded.apply()
    wait_until(lambda: rows(guarded, "select count(*) from orders") == 5)
    shop["orders"].insert_one({"_id": 5})
    wait_until(lambda: rows(guarded, "select count(*) from orders") == 6)
    with guarded.workspace() as workspace:
        take_snapshots(workspace, connectors_of(workspace, guarded.source, ["shop.orders"]))
    wait_until(lambda: rows(guarded, "select count(*) from orders__changes where _op = 'r'") == 5 + 6)
    assert oplake(guarded, "reconcile").returncode == 0
    shown = json.dumps(guarded.rest("/config")) + guarded.plan().to_text()
    assert PASSWORD not in shown


def test_a_wrong_authority_is_told(guarded: KafkaWorld, tmp_path: Path) -> None:
    stranger = PrivateCa(tmp_path / "other.pem")
    target = guarded.root / "specs" / "targets" / "local.yaml"
    body = json.loads(target.read_text())
    body["transport"]["kafka"]["client"]["ssl.ca.location"] = str(stranger.file)
    target.write_text(json.dumps(body))
    done = oplake(guarded, "plan")
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr
    assert "transport.kafka.client" in done.stderr
    assert PASSWORD not in done.stderr
