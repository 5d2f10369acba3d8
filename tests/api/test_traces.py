"""Spans of requests, of the jobs they ask for, and of reconciliations reach a real OTLP receiver."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo.database import Database

from engine.api.settings import Settings
from tests.api.conftest import Served, serve
from tests.api.processes import free_port, server
from tests.api.test_jobs import until, worker
from tests.patience import wait_until
from tests.planner.worlds import World
from tests.telemetry.collector import Collector, attributes, collector

pytestmark = pytest.mark.server
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MAIN = ["-c", "from engine.cli.main import main; main()"]


@pytest.fixture
def receiver() -> Iterator[Collector]:
    with collector() as one:
        yield one


@pytest.fixture
def traced(tmp_path: Path, mongo: str, database: Database[dict[str, object]], receiver: Collector) -> Served:
    """A project whose target names the collector; nobody sets a variable."""
    database["orders"].insert_many([{"_id": n, "n": n} for n in range(3)])
    world = World(tmp_path)
    world.target(mongo, telemetry=_telemetry(receiver, 0))
    world.pipeline(
        "orders", {"source": {"collections": [f"{database.name}.orders"]}, "table": {"fold": {"every": "1s"}}}
    )
    return serve(tmp_path)


def spans(receiver: Collector, name: str, count: int = 1) -> list[Any]:
    wait_until(lambda: len(receiver.named(name)) >= count)
    assert len(receiver.named(name)) == count
    return receiver.named(name)


def test_a_request_goes_on_with_its_callers_trace_and_its_job_and_the_reconciliation_with_the_request(
    traced: Served, receiver: Collector, tmp_path: Path
) -> None:
    port = free_port()
    headers = {"Authorization": f"Bearer {traced.keys['admin']}", "X-Request-ID": "one"}
    with (
        _serving(traced, port, tmp_path / "log"),
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers) as client,
    ):
        digest = client.get("/plan").json()["digest"]
        asked = client.post("/applies?note=hunter2", json={"digest": digest}, headers={"traceparent": CALLER})
        assert asked.status_code == 202
        with worker(traced.root):
            until(traced, f"/jobs/{asked.json()['id']}", "done")
            traced.post("/pipelines/orders/start")
            until(traced, "/pipelines/orders/status", 3, "rows")  # type: ignore[arg-type]
            compared = client.post("/reconciliations", json={"pipelines": ["orders"]}, headers={"traceparent": CALLER})
            until(traced, f"/jobs/{compared.json()['id']}", "done")

    (request,) = spans(receiver, "POST /api/v1/applies")
    trace, parent = CALLER.split("-")[1:3]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (trace, parent)
    assert request.kind == request.SPAN_KIND_SERVER
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/api/v1/applies",
        "http.response.status_code": 202,
        "oplake.request": "one",
    }
    apply, reconcile = spans(receiver, "job", 2)
    assert attributes(apply) == {"oplake.job": asked.json()["id"], "oplake.kind": "apply", "oplake.attempt": 1}
    assert (apply.trace_id.hex(), apply.parent_span_id) == (trace, request.span_id)
    assert [link.span_id for link in apply.links] == [request.span_id]
    (table,) = spans(receiver, "reconcile")
    assert table.parent_span_id == reconcile.span_id
    told = attributes(table)
    assert (told["oplake.table"], told["oplake.mode"], told["oplake.exit_code"]) == ("orders", "full", 0)
    phases = [one for name in ("read_table", "read_source", "compare", "recheck") for one in spans(receiver, name)]
    assert {one.parent_span_id for one in phases} == {table.span_id}
    (chunk,) = spans(receiver, "chunk")
    assert (chunk.parent_span_id, attributes(chunk)["oplake.documents"]) == (phases[1].span_id, 3)
    assert receiver.named("GET /api/v1/plan") == [], "with a share of 0 nothing is sent that nobody else samples"
    assert not [
        body for body in receiver.bodies for secret in ("hunter2", *traced.keys.values()) if secret.encode() in body
    ]


def test_a_request_that_fails_is_sent_always_and_a_wrong_address_is_not_told(
    traced: Served, receiver: Collector, tmp_path: Path
) -> None:
    World(traced.root).target("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200", telemetry=_telemetry(receiver, 0))
    port = free_port()
    headers = {"Authorization": f"Bearer {traced.keys['admin']}"}
    with (
        _serving(traced, port, tmp_path / "log"),
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=30) as client,
    ):
        assert client.get("/nowhere/hunter2").status_code == 404
        assert client.get("/ready").status_code == 503

    (request,) = spans(receiver, "GET /api/v1/ready")
    assert request.status.code == request.status.STATUS_CODE_ERROR
    assert attributes(request)["error.type"] == "503"
    assert len(receiver.spans) == 1


def test_processes_that_share_a_reconciliation_write_below_its_span_and_the_environment_wins(
    traced: Served, receiver: Collector, database: Database[dict[str, object]]
) -> None:
    World(traced.root).target(
        traced.app.state.service.scope().target.mongodb.uri.reveal(), telemetry={"otlp_endpoint": "http://127.0.0.1:1"}
    )
    database["orders"].insert_many([{"_id": n, "n": n} for n in range(3, 100)])
    for command in (["apply", "--yes"], ["run", "--until-caught-up"], ["reconcile", "--workers", "2"]):
        done = subprocess.run(
            [sys.executable, *MAIN, *command, "--project", str(traced.root)],
            env=_environment(traced) | receiver.environment | {"OTEL_TRACES_SAMPLER_ARG": "1"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    (table,) = spans(receiver, "reconcile")
    (source,) = spans(receiver, "read_source")
    shares = receiver.named("share")
    assert len(shares) > 1
    assert {one.parent_span_id for one in shares} == {source.span_id}
    assert {one.parent_span_id for one in receiver.named("chunk")} == {one.span_id for one in shares}
    assert sum(attributes(one)["oplake.documents"] for one in receiver.named("chunk")) == 100
    assert {one.trace_id for one in (source, *shares)} == {table.trace_id}
    assert attributes(receiver.named("batch")[0])["oplake.table"] == "orders"


def _telemetry(receiver: Collector, share: float) -> dict[str, object]:
    return {"otlp_endpoint": receiver.environment["OTEL_EXPORTER_OTLP_ENDPOINT"], "share": share}


def _serving(traced: Served, port: int, log: Path) -> AbstractContextManager[object]:
    command = [*MAIN, "serve", "--port", str(port), "--project", str(traced.root)]
    return server(command, port, _environment(traced), log)


def _environment(traced: Served) -> dict[str, str]:
    return {**os.environ, **Settings(project=traced.root).environment()}
