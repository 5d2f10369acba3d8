"""Nothing that blocks is called on the event loop, and what hangs keeps nobody else from an answer."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from engine.api.threads import AT_ONCE, threaded
from tests.api.conftest import Served, serve

pytestmark = pytest.mark.server
LIBRARIES = (
    *("sqlalchemy.", "psycopg", "pymongo.synchronous", "deltalake", "duckdb", "confluent_kafka"),
    "engine.resources.connect_rest",
)
"""Their calls read or write, or wait for somebody who does."""
MODULES = frozenset({"posix", "_io", "io", "time", "_socket", "sqlite3", "_sqlite3"})
FILES = frozenset({"open", "stat", "lstat", "scandir", "listdir", "mkdir", "unlink", "replace", "sleep", "connect"})
OF_PYMONGO = frozenset({"get_container_env_info", "_BaseTopologySettings.__init__"})
"""Where a client for an event loop looks at files nevertheless: at those that say whether it is in a container, and at
the lines of whoever made it."""
CALLERS = 12
"""How many functions of the way to a call are told."""


@contextmanager
def blocking_calls() -> Iterator[set[str]]:
    """What this thread calls of those while an event loop runs in it, and who asked for it.

    Nobody looks for garbage meanwhile: what earlier tests left would be taken down on this loop, with what that calls.
    """
    found: set[str] = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:  # noqa: ANN401 - a profiler's
        if asyncio._get_running_loop() is None:
            return
        name = str(frame.f_globals.get("__name__"))
        if event == "call" and name.startswith(LIBRARIES):
            found.add(f"{name}.{frame.f_code.co_qualname}")
        elif event == "c_call":
            module = str(getattr(argument, "__module__", "") or type(getattr(argument, "__self__", None)).__module__)
            if argument.__name__ in FILES and module in MODULES:
                callers = _callers(frame)
                if not OF_PYMONGO.intersection(callers):
                    found.add(f"{module}.{argument.__name__} in {name}.{' < '.join(callers)}")

    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)
        gc.enable()


def _callers(frame: FrameType | None) -> list[str]:
    """The function of a frame, and those that called it."""
    names: list[str] = []
    while frame is not None and len(names) < CALLERS:
        names.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return names


def everything(served: Served) -> list[tuple[str, int]]:
    """Ask every address for reading, and some that write or plan; returns addresses with their status."""
    paths = [
        *("/health", "/ready", "/metrics", "/me", "/audit", "/overview", "/pipelines", "/pipelines/orders", "/plan"),
        *("/pipelines/orders/status", "/pipelines/orders/plan", "/pipelines/orders/dead-letters", "/tables", "/runs"),
        *("/tables/orders/changes", "/tables/orders/changes/versions", "/tables/orders/changes/schema", "/jobs"),
    ]
    told = [(path, served.get(path).status_code) for path in paths]
    query = served.post("/queries", {"sql": "select 1 as one"})
    asked = served.post("/reconciliations", {"pipelines": ["orders"]})
    found = [("queries", query.status_code), ("reconciliations", asked.status_code)]
    number = asked.json()["id"]
    found.append(("cancel", served.post(f"/jobs/{number}/cancel").status_code))
    found.append(("a job", served.get(f"/jobs/{number}").status_code))
    found.append(("a job's events", served.get(f"/jobs/{number}/events").status_code))
    return told + found


def test_no_address_reads_or_writes_anything_on_the_event_loop(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    served = serve(root)
    everything(served)  # what is imported by the first request is read from files
    served.app.state.doorkeeper._known.clear()
    for kept in (served.app.state.readiness, served.app.state.service.report, served.app.state.service.overview):
        kept.forget()
    with blocking_calls() as found:
        told = everything(served)
    assert [one for one in told if one[1] not in (200, 202)] == []
    assert found == set()


def test_the_detector_sees_a_database_a_file_and_a_wait(served: Served) -> None:
    async def block() -> None:
        with served.app.state.service.database.reading():
            pass
        Path(__file__).read_text()

    with blocking_calls() as found:
        asyncio.run(block())
    assert [one for one in found if one.startswith("sqlalchemy.")]
    assert [one for one in found if ".open in " in one]


def test_requests_that_are_counted_in_a_database_are_not_counted_on_the_event_loop(root: Path, mongo: str) -> None:
    served = serve(root, limits_storage=mongo.replace("/?", "/limits?"), per_key="3/minute")
    assert served.get("/me").status_code == 200
    with blocking_calls() as found:
        statuses = [served.get("/me").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert found == set()


def test_requests_that_hang_keep_nobody_from_being_let_in_nor_from_hearing_whether_the_service_is_ready(
    root: Path,
) -> None:
    served, go_on = serve(root), threading.Event()
    waiting = threading.Semaphore(0)

    def hang() -> None:
        waiting.release()
        go_on.wait(60)

    async def ask() -> list[int]:
        hanging = [asyncio.create_task(threaded(hang)) for _ in range(AT_ONCE + 5)]
        while waiting._value < AT_ONCE:
            await asyncio.sleep(0.01)
        async with served.client() as client:
            answers = [
                await asyncio.wait_for(client.get(f"/api/v1{path}"), 30) for path in ("/me", "/ready", "/health")
            ]
        go_on.set()
        await asyncio.gather(*hanging)
        return [one.status_code for one in answers]

    assert served.runner.run(ask()) == [200, 200, 200]


def test_a_source_without_change_streams_is_not_ready(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = serve(root)
    monkeypatch.setattr("engine.source.probe._why_no_streams", lambda _: "the server is no replica set; start one")
    found = served.get("/ready")
    assert found.status_code == 503
    assert "source: the server is no replica set" in found.json()["reason"]
