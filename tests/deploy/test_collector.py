"""Spans of real runs go through a real collector with the committed configuration."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pymongo.database import Database

from tests.built_servers import needs
from tests.deploy.trace_servers import CommittedCollector, Gate
from tests.faults.spec_folder import OPLAKE
from tests.patience import wait_until
from tests.planner.worlds import World
from tests.telemetry.collector import Collector, attributes, collector

pytestmark = [needs("collector"), pytest.mark.server, pytest.mark.slow]
ENOUGH_S = 120


@pytest.fixture
def receiver() -> Iterator[Collector]:
    """What Jaeger would be sent."""
    with collector() as one:
        yield one


@pytest.fixture
def committed(tmp_path: Path, receiver: Collector) -> Iterator[CommittedCollector]:
    with (
        Gate(tmp_path / "gate", f"http://127.0.0.1:{receiver.server_port}") as gate,
        CommittedCollector(tmp_path / "collector", gate.port) as one,
    ):
        yield one


def test_a_run_is_told_by_its_share_and_what_fails_whatever_the_share(
    tmp_path: Path, mongo: str, database: Database[Any], receiver: Collector, committed: CommittedCollector
) -> None:
    world = World(tmp_path)

    def run(share: float) -> int:
        world.target(mongo, telemetry={"otlp_endpoint": committed.address, "share": share})
        return oplake(tmp_path, "run", "--until-caught-up")

    for name in ("good", "bad"):
        database[name].insert_one({"_id": 1, "n": 1})
        source = {"collections": [f"{database.name}.{name}"]}
        world.pipeline(name, {"source": source, "table": {"mode": "current", "on_conflict": "fail"}})
    world.target(mongo)
    assert oplake(tmp_path, "apply", "--yes") == 0
    assert run(share=1) == 0
    wait_until(lambda: len(receiver.named("fold")) == 2)
    assert {attributes(fold)["oplake.table"] for fold in receiver.named("fold")} == {"good", "bad"}
    assert {one.name for one in receiver.spans} == {"batch", "decode", "commit", "fold"}

    receiver.spans.clear()
    database["good"].insert_one({"_id": 2, "n": 2})
    database["bad"].insert_one({"_id": 2, "n": "not for anybody's eyes"})
    assert run(share=0) == 1
    wait_until(lambda: bool(receiver.named("batch")))
    (batch,), (decode,) = receiver.named("batch"), receiver.named("decode")
    assert attributes(batch)["oplake.table"] == "bad"
    assert attributes(batch)["error.type"] == attributes(decode)["error.type"] == "type-conflict"
    assert len(receiver.spans) == 2
    assert not [body for body in receiver.bodies if b"eyes" in body]
    assert "deprecated" not in committed.log.read_text()


def test_addresses_are_left_out_on_the_way(receiver: Collector, committed: CommittedCollector) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{committed.address}/v1/traces")))
    told = {"server.address": "db.example.com", "client.address": "10.0.0.7", "http.route": "/api/v1/plan"}
    with provider.get_tracer("test").start_as_current_span("request", attributes=told):
        pass
    wait_until(lambda: bool(receiver.spans))
    assert attributes(receiver.spans[0]) == {"http.route": "/api/v1/plan"}


def oplake(folder: Path, *words: str) -> int:
    command = [OPLAKE, *words, "--project", str(folder)]
    return subprocess.run(command, capture_output=True, timeout=ENOUGH_S, check=False).returncode
