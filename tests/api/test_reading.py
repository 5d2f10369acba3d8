"""What the service tells: pipelines, tables, plans, readiness, and errors as problem documents."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.api.conftest import Served, serve, spec
from tests.planner.worlds import World

pytestmark = pytest.mark.server


def test_a_pipeline_is_told_with_its_spec_its_rows_and_how_it_stands(served: Served) -> None:
    listed = served.get("/pipelines").json()
    assert listed["next"] is None
    (one,) = listed["items"]
    assert (one["name"], one["state"], one["rows"], one["tables"], one["dead_letters"]) == ("orders", "ok", 3, 2, 0)
    whole = served.get("/pipelines/orders").json()
    assert '"pipeline": "orders"' in whole["spec"]
    assert whole["status"]["rows"] == 3


def test_tables_are_told_with_versions_sizes_and_the_history_of_their_columns(served: Served) -> None:
    first = served.get("/tables?limit=1").json()
    assert [one["name"] for one in first["items"]] == ["orders/changes"]
    second = served.get(f"/tables?limit=1&after={first['next']}").json()
    assert [(one["name"], one["rows"]) for one in second["items"]] == [("orders/current", 3)]
    assert second["next"] is None
    table = served.get("/tables/orders/current").json()
    assert table["size_bytes"] > 0
    assert table["columns"]["n"] == "int32"
    newest, older = (served.get(f"/tables/orders/changes/versions?limit=1{more}").json() for more in ("", "&before=1"))
    assert newest["items"][0]["rows_added"] == 3
    assert older["items"][0]["version"] == 0
    history = served.get("/tables/orders/changes/schema").json()["items"]
    assert "_id" in history[-1]["added"]


def test_what_somebody_has_already_is_not_sent_again(served: Served) -> None:
    first = served.get("/pipelines/orders")
    again = served.get("/pipelines/orders", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_error_is_a_problem_document_with_the_code_of_the_command_line(served: Served) -> None:
    for path, status, code in (
        ("/pipelines/order", 404, "not-found"),
        ("/tables/orders/..%2f..", 404, "http"),
        ("/tables/other/current", 404, "not-found"),
        ("/jobs/99", 404, "not-found"),
        ("/nothing", 404, "http"),
        ("/tables?limit=0", 422, "malformed"),
    ):
        answer = served.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
        told = answer.json()
        assert (told["code"], told["status"], told["type"]) == (code, status, f"urn:oplake:problem:{code}")
    assert served.get("/pipelines/order").json()["remedy"] == "did you mean `orders`?"


def test_a_spec_is_judged_and_planned_without_being_written(served: Served) -> None:
    wrong = served.post("/pipelines/orders/validate", {"spec": spec({"mode": "currant"})}).json()
    assert not wrong["valid"]
    assert {"rule", "line", "column", "suggestion"} <= set(wrong["diagnostics"][0])
    refused = served.post("/pipelines/orders/plan", {"spec": spec({"mode": "currant"})})
    assert (refused.status_code, refused.json()["code"]) == (422, "spec-invalid")
    assert refused.json()["diagnostics"] == wrong["diagnostics"]
    plan = served.post("/pipelines/orders/plan", {"spec": spec({"mode": "history"})}).json()
    assert {one["title"]: one["action"] for one in plan["changes"]}["orders/history"] == "replace"
    assert served.get("/plan").json()["empty"]


def test_a_service_is_ready_when_all_answer_and_says_who_does_not(served: Served, world: World) -> None:
    assert served.get("/health", None).json() == {"status": "ok"}
    ready = served.get("/ready", None)
    assert (ready.status_code, set(ready.json()["checks"])) == (200, {"specs", "state", "source", "lake"})
    world.target("mongodb://127.0.0.1:1/")
    broken = serve(world.root)
    answer = broken.get("/ready", None)
    assert answer.status_code == 503
    assert answer.json()["reason"].startswith("source: ")
    assert answer.json()["checks"]["source"]["code"] == "source-unreachable"
    assert answer.json()["checks"]["source"]["ms"] > 0


def test_reads_do_not_wait_for_one_another(served: Served) -> None:
    async def many() -> set[int]:
        async with served.client() as client:
            answers = await asyncio.gather(*(client.get("/api/v1/pipelines") for _ in range(50)))
            return {answer.status_code for answer in answers}

    assert served.runner.run(many()) == {200}


@pytest.fixture
def world(tmp_path: Path, mongo: str) -> World:
    """A project of its own."""
    world = World(tmp_path)
    world.target(mongo)
    world.spec()
    return world
