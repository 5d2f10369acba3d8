"""`oplake run --health-port` on a real server: what probes, Prometheus and a collector of traces are told."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pymongo.database import Database

from engine.stack.mongodb import MongoServer
from engine.stack.ports import free_port
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.running import PATIENCE_S, Running
from tests.telemetry.collector import attributes, collector

pytestmark = pytest.mark.server


def wait_until(condition: Callable[[], bool], running: Running) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, running.text
        time.sleep(0.05)


def get(port: int, path: str) -> httpx.Response | None:
    """The answer; None while nobody listens."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}")
    except httpx.TransportError:
        return None


def is_ready(port: int) -> bool:
    answer = get(port, "/ready")
    return answer is not None and answer.status_code == 200


def values(port: int) -> dict[str, float]:
    """Name -> value of a run with one table."""
    answer = get(port, "/metrics")
    assert answer is not None
    families = text_string_to_metric_families(answer.text)
    return {sample.name: sample.value for family in families for sample in family.samples if "le" not in sample.labels}


def test_a_run_tells_how_it_is_and_what_it_has_done(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    database["things"].insert_many([{"_id": f"secret-{number}", "word": "hunter2"} for number in range(30)])
    project = Project(tmp_path, mongo, f"{database.name}.things")
    project.write()
    project.apply(nursery)
    port = free_port()
    running = project.start("run", "--health-port", str(port), nursery=nursery)
    wait_until(lambda: is_ready(port), running)
    database["things"].insert_one({"_id": "last"})
    wait_until(lambda: values(port)["oplake_events_total"] == 31, running)
    wait_until(lambda: values(port)["oplake_folded_rows_total"] == 31, running)

    found, told = values(port), get(port, "/metrics")
    health = get(port, "/health")
    running.send(signal.SIGTERM)

    assert running.wait() == 0, running.text
    assert health is not None
    assert health.json() == {"status": "live", "reasons": []}
    assert found["oplake_commits_total"] == found["oplake_commit_duration_seconds_count"]
    assert found["oplake_log_version"] >= found["oplake_folded_log_version"] > 0
    assert min(found[name] for name in ("oplake_log_size_bytes", "oplake_folded_size_bytes")) > 0
    assert found["oplake_last_commit_timestamp_seconds"] > time.time() - PATIENCE_S
    assert told is not None
    assert not [word for word in ("hunter2", "secret-", mongo) if word in told.text]


def test_a_table_that_has_failed_is_not_ready_and_the_others_live_on(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    database["things"].insert_one({"_id": 1})
    project = Project(tmp_path, mongo, f"{database.name}.things")
    project.write()
    project.apply(nursery)
    text = (project.folder / "specs/pipelines/things.yaml").read_text()
    other = text.replace("pipeline: things", "pipeline: others").replace(".things", ".others")
    (project.folder / "specs/pipelines/others.yaml").write_text(other)
    port = free_port()
    running = project.start("run", nursery=nursery, environment={"OPLAKE_HEALTH_PORT": str(port)})
    assert running.wait_for("table failed")
    wait_until(lambda: (get(port, "/health") or httpx.Response(503)).status_code == 200, running)

    ready = get(port, "/ready")
    running.send(signal.SIGTERM)

    running.wait()
    assert ready is not None
    assert ready.status_code == 503
    assert any("table others: has stopped with an error" in reason for reason in ready.json()["reasons"])
    assert "mongodb://" not in ready.text


def test_a_port_that_is_taken_stops_the_run_before_it_begins(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery, mongo_server: MongoServer
) -> None:
    project = Project(tmp_path, mongo, f"{database.name}.things")
    project.write()

    running = project.start("run", "--health-port", str(mongo_server.port), nursery=nursery)

    assert running.wait() == 1
    assert "health-port-unusable" in running.text


def test_a_run_sends_one_trace_from_batch_to_fold_and_no_document(
    tmp_path: Path, mongo: str, database: Database[Any], nursery: Nursery
) -> None:
    database["things"].insert_many([{"_id": f"secret-{number}", "word": "hunter2"} for number in range(5)])
    project = Project(tmp_path, mongo, f"{database.name}.things")
    project.write()
    project.apply(nursery)

    with collector() as receiver:
        environment = {**receiver.environment, "OTEL_TRACES_SAMPLER_ARG": "1"}
        running = project.start("run", "--until-caught-up", nursery=nursery, environment=environment)
        assert running.wait() == 0, running.text

    (batch,) = receiver.named("batch")
    assert {one.name for one in receiver.spans if one.trace_id == batch.trace_id} == {
        "batch",
        "decode",
        "commit",
        "fold",
    }
    assert attributes(batch)["oplake.rows"] == 5
    (line,) = (one for one in running.events if one["event"] == "batch appended")
    assert line["trace_id"] == batch.trace_id.hex()
    sent = b"".join(receiver.bodies)
    assert not [word for word in (b"hunter2", b"secret-", mongo.encode()) if word in sent]
