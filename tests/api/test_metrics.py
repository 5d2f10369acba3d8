"""The service's /metrics: documented names, few series, nothing of requests in a label."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from engine.api.metrics.families import FAMILIES
from engine.state.reconciliations import Reconciliations
from tests.api.conftest import Served, serve
from tests.planner.worlds import World

pytestmark = pytest.mark.server
DOCUMENTED = Path(__file__).parents[2] / "docs" / "metrics.md"


def values(text: str) -> dict[str, float]:
    """Name with its labels -> value, buckets left out."""
    return {
        f"{one.name}{sorted(one.labels.values())}": one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if "le" not in one.labels
    }


def test_the_documents_list_every_metric_of_the_service_and_no_other() -> None:
    section = DOCUMENTED.read_text(encoding="utf-8").partition("## The service")[2]
    wanted = [f"| `{one.name}` | {one.kind} | {', '.join(one.labels)} | {one.help} |" for one in FAMILIES]

    assert re.findall(r"^\| `oplake_.*$", section, re.MULTILINE) == wanted


def test_the_page_tells_requests_jobs_and_the_oplog_and_takes_a_key(served: Served) -> None:
    assert served.get("/metrics", None).status_code == 401
    served.get("/pipelines/orders")
    served.get(f"/no-such-thing/{uuid.uuid4()}")
    page = served.get("/metrics", "viewer")

    assert page.headers["content-type"].startswith("text/plain")
    found = values(page.text)
    assert found["oplake_api_requests_total['/api/v1/pipelines/{name}', '200', 'GET']"] >= 1
    assert found["oplake_api_requests_total['404', 'GET', 'other']"] >= 1
    assert found["oplake_api_request_duration_seconds_count['/api/v1/pipelines/{name}', 'GET']"] >= 1
    assert found["oplake_api_state_up[]"] == 1
    assert found["oplake_jobs_oldest_waiting_seconds[]"] >= 0
    assert found["oplake_source_oplog_window_seconds['local']"] > 0
    named = {name for name in re.findall(r"^# TYPE (\w+)", page.text, re.MULTILINE) if not name.endswith("_created")}
    assert named == {one.name for one in FAMILIES}
    openmetrics = served.get("/metrics", Accept="application/openmetrics-text; version=1.0.0").text
    assert {one.name for one in read_openmetrics(openmetrics)} >= {"oplake_api_requests", "oplake_jobs"}


def test_the_page_is_told_while_the_source_is_away_without_what_the_source_would_tell(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.target("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100")
    world.spec()
    page = serve(tmp_path).get("/metrics")

    assert page.status_code == 200
    assert values(page.text)["oplake_api_state_up[]"] == 1
    assert "oplake_source_oplog_window_seconds{" not in page.text


def test_a_confirmed_difference_is_told_until_a_pass_of_its_mode_finds_none(served: Served) -> None:
    passes = Reconciliations(served.app.state.service.database, "local")

    def finish(run: str, mode: str, mismatches: int) -> dict[str, float]:
        hold = passes.begin(run, "orders", mode, {}).hold
        totals = {"mismatch": mismatches, "in_flight": 1} if mismatches else {}
        result = {"pipeline": "orders", "totals": totals, "source_documents": 9}
        passes.finish(hold, result, 5 if mismatches else 0, None)
        served.app.state.metrics._standing.forget()  # nobody waits five seconds here
        return values(served.get("/metrics").text)

    found = finish("a", "full", 3)
    assert found["oplake_reconcile_confirmed_differences['full', 'orders', 'orders']"] == 3
    assert found["oplake_reconcile_undecided_documents['full', 'orders', 'orders']"] == 1
    assert found["oplake_reconcile_last_documents['full', 'orders', 'orders']"] == 9
    found = finish("b", "sampled", 0)
    assert found["oplake_reconcile_confirmed_differences['full', 'orders', 'orders']"] == 3
    assert found["oplake_reconcile_confirmed_differences['orders', 'orders', 'sampled']"] == 0
    assert found["oplake_reconcile_last_complete['orders', 'orders', 'sampled']"] == 1
