"""Long work through the service: asked once, done by a worker that may die, followed by events."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pymongo.database import Database
from sqlalchemy import insert

from engine.state.clock import now_text
from engine.state.schema import locks
from tests.api.conftest import Served, serve
from tests.planner.worlds import World

pytestmark = pytest.mark.server


@contextmanager
def worker(root: Path, *options: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """An ``oplake jobs`` process."""
    import os  # noqa: PLC0415

    command = [sys.executable, "-c", "from engine.cli.main import main; main()", "jobs", "--project", str(root)]
    command += options
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)


def until(served: Served, path: str, wanted: str, field: str = "status", patience_s: float = 60) -> dict[str, object]:
    """Ask until the field has the value, or has it among its values."""
    deadline = time.monotonic() + patience_s
    while True:
        found: dict[str, object] = served.get(path).json()
        value = found[field]
        if value == wanted or (isinstance(value, list) and wanted in value):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def hold_runs_elsewhere(served: Served) -> None:
    """As if a worker on another host looked after the runs."""
    holder = {"host": "lost", "boot": "b", "pid": 7, "born": "1", "purpose": "`oplake jobs`", "since": now_text()}
    with served.app.state.service.database.writing() as connection:
        connection.execute(insert(locks).values(name="runs:local", **holder))


@pytest.fixture
def fresh(tmp_path: Path, mongo: str, database: Database[dict[str, object]]) -> Served:
    """A service of a project where nothing is applied, over a collection with three documents."""
    database["orders"].insert_many([{"_id": n, "n": n} for n in range(3)])
    world = World(tmp_path)
    world.target(mongo)
    world.pipeline(
        "orders", {"source": {"collections": [f"{database.name}.orders"]}, "table": {"fold": {"every": "1s"}}}
    )
    return serve(tmp_path)


def test_an_apply_and_a_run_through_the_service_outlive_a_killed_worker(fresh: Served) -> None:
    digest = fresh.get("/plan").json()["digest"]
    once = {"Idempotency-Key": "first"}
    asked = fresh.post("/applies", {"digest": digest}, **once)
    assert (asked.status_code, asked.headers["location"]) == (202, "/api/v1/jobs/1")
    assert fresh.post("/applies", {"digest": digest}, **once).json()["id"] == asked.json()["id"]
    reused = fresh.post("/applies", {"digest": "1" * 64}, **once)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency-key-reused")

    with worker(fresh.root, OPLAKE_CRASH_AT="apply.step.after") as killed:
        assert killed.wait(60) == -signal.SIGKILL
    assert fresh.get("/jobs/1").json()["status"] == "running"

    with worker(fresh.root):
        done = until(fresh, "/jobs/1", "done")
        assert done["attempts"] == 2
        events = fresh.get("/jobs/1/events").text
        assert json.loads(events.removeprefix("event: job\ndata: "))["status"] == "done"
        stale = fresh.post("/applies", {"digest": digest}).json()["id"]
        until(fresh, f"/jobs/{stale}", "done")  # nothing is to be done, so nothing is refused

        assert fresh.post("/pipelines/orders/start").json()["wish"] == "running"
        until(fresh, "/pipelines/orders/status", 3, "rows")  # type: ignore[arg-type]
        until(fresh, "/pipelines/orders/status", "running", "run")
        assert fresh.get("/runs").json()["writing"][0]["table"] == "orders"
        fresh.post("/pipelines/orders/pause")
        until(fresh, "/pipelines/orders/status", "paused", "run")
        assert fresh.get("/runs").json()["writing"] == []


def test_a_plan_that_nobody_looked_at_is_not_carried_out(fresh: Served) -> None:
    job = fresh.post("/applies", {"digest": "0" * 64}).json()["id"]
    with worker(fresh.root):
        failed = until(fresh, f"/jobs/{job}", "failed")
    assert failed["error"]["code"] == "plan-refused"  # type: ignore[index]
    assert not fresh.get("/plan").json()["empty"]


def test_a_reconciliation_through_the_service_tells_what_differs(
    fresh: Served, database: Database[dict[str, object]]
) -> None:
    unknown = fresh.post("/reconciliations", {"pipelines": ["order"]})
    assert (unknown.status_code, "orders" in unknown.json()["remedy"]) == (400, True)
    fresh.post("/applies", {"digest": fresh.get("/plan").json()["digest"]})
    with worker(fresh.root):
        fresh.post("/pipelines/orders/start")
        until(fresh, "/pipelines/orders/status", 3, "rows")  # type: ignore[arg-type]
        job = fresh.post("/reconciliations", {"pipelines": ["orders"]}).json()["id"]
        assert fresh.get(f"/jobs/{job}/report").status_code == 404
        clean = until(fresh, f"/jobs/{job}", "done")
        assert clean["result"]["exit_code"] == 0  # type: ignore[index]
        fresh.post("/pipelines/orders/stop")
        until(fresh, "/pipelines/orders/status", "stopped", "run")
        database["orders"].update_one({"_id": 1}, {"$set": {"n": "hunter2"}})
        job = fresh.post("/reconciliations", {}).json()["id"]
        until(fresh, f"/jobs/{job}", "done")
    (table,) = fresh.get(f"/jobs/{job}/report").json()["tables"]
    assert (table["table"], table["exit_code"], table["totals"]) == ("orders", 6, {"in_flight": 1})
    for form, media in (("html", "text/html"), ("md", "text/markdown")):
        told = fresh.get(f"/jobs/{job}/report?form={form}", "viewer")
        assert told.headers["content-type"].startswith(media)
        assert "in_flight" in told.text or "in flight" in told.text
        assert "hunter2" not in told.text
    assert fresh.get("/jobs/1/report").json()["where"] == "path", "an apply has no such report"


def test_a_job_that_was_cancelled_in_the_queue_is_never_begun(fresh: Served) -> None:
    first = fresh.post("/applies", {"digest": fresh.get("/plan").json()["digest"]}).json()["id"]
    assert fresh.post(f"/jobs/{first}/cancel").json()["status"] == "cancelled"
    second = fresh.post("/pipelines/orders/dead-letters/replay").json()["id"]
    with worker(fresh.root):
        until(fresh, f"/jobs/{second}", "done")
    assert not fresh.get("/plan").json()["empty"]


def test_a_reconciliation_that_waits_for_a_fold_ends_when_it_is_cancelled(
    fresh: Served, database: Database[dict[str, object]]
) -> None:
    fresh.post("/applies", {"digest": fresh.get("/plan").json()["digest"]})
    with worker(fresh.root):
        fresh.post("/pipelines/orders/start")
        until(fresh, "/pipelines/orders/status", 3, "rows")  # type: ignore[arg-type]
        hourly = {"source": {"collections": [f"{database.name}.orders"]}, "table": {"fold": {"every": "1h"}}}
        fresh.post("/pipelines/orders/pause")
        until(fresh, "/pipelines/orders/status", "paused", "run")
        World(fresh.root).pipeline("orders", hourly)
        fresh.post("/pipelines/orders/resume")
        database["orders"].insert_one({"_id": 4, "n": 4})
        until(fresh, "/tables/orders/changes", 4, "rows")  # type: ignore[arg-type]
        job = fresh.post("/reconciliations", {"pipelines": ["orders"]}).json()["id"]
        until(fresh, f"/jobs/{job}", "orders: about 100 % read", "progress")
        assert fresh.post(f"/jobs/{job}/cancel", role="viewer").status_code == 403
        assert fresh.post(f"/jobs/{job}/cancel", role="operator").json()["status"] == "running"
        ended = until(fresh, f"/jobs/{job}", "cancelled")
        assert fresh.get(f"/jobs/{job}/report").status_code == 404
    assert (ended["result"], ended["error"]) == (None, None)


def test_runs_of_a_worker_whose_host_is_gone_are_taken_over_when_somebody_says_so(fresh: Served) -> None:
    hold_runs_elsewhere(fresh)
    job = fresh.post("/applies", {"digest": fresh.get("/plan").json()["digest"]}).json()["id"]
    fresh.post("/pipelines/orders/start")
    with worker(fresh.root):
        until(fresh, f"/jobs/{job}", "done")  # which any worker does
        assert fresh.get("/pipelines/orders/status").json()["run"] == "waiting"
    with worker(fresh.root, "--break-lock"):
        until(fresh, "/pipelines/orders/status", "running", "run")
