"""A real Prometheus asks a real run and a real service: names, dashboards, and an alert that fires."""

from __future__ import annotations

import re
import runpy
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pymongo.database import Database

from engine.stack.ports import free_port
from engine.state.api_keys import ApiKeys
from engine.state.database import open_database
from tests.api.processes import server
from tests.cli.command_line import START
from tests.deploy.prometheus import (
    METRIC,
    OBSERVABILITY,
    ROOT,
    Prometheus,
    family_of,
    needs_prometheus,
    prometheus,
    wait,
)
from tests.faults.nursery import Nursery
from tests.faults.project import Project

pytestmark = [pytest.mark.server, needs_prometheus]
WITHOUT_SERIES = {"oplake_lag_events", "oplake_reconcile_", "oplake_wanted_runs", "oplake_jobs"}
"""What has no series here: no topic, and nothing was reconciled, wished or asked for."""


@dataclass(frozen=True)
class Watched:
    prometheus: Prometheus
    database: Database[Any]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, mongo: str, mongo_client: Any) -> Iterator[Watched]:  # noqa: ANN401
    folder = tmp_path_factory.mktemp("watched")
    database = mongo_client["test_watched"]
    database["things"].insert_many([{"_id": number} for number in range(20)])
    project = Project(folder, mongo, "test_watched.things")
    project.write()
    # A second table: the run goes on when the first one stops.
    text = (folder / "specs/pipelines/things.yaml").read_text()
    other = text.replace("pipeline: things", "pipeline: others").replace(".things", ".others")
    (folder / "specs/pipelines/others.yaml").write_text(other)
    database["others"].insert_one({"_id": 1})
    with Nursery() as nursery:
        project.apply(nursery)
        key = _key(f"sqlite:///{folder}/.oplake/state.db")
        run_port, api_port = free_port(), free_port()
        serve = ["-c", START, "serve", "--project", str(folder), "--port", str(api_port)]
        running = project.start("run", "--health-port", str(run_port), nursery=nursery)
        ports = {"oplake-run": run_port, "oplake-api": api_port}
        with (
            server(serve, api_port, {}, folder / "serve.log"),
            prometheus(folder / "prometheus", ports, key) as one,
        ):
            yield Watched(one, database)
        running.send(signal.SIGTERM)
        running.wait()
    mongo_client.drop_database("test_watched")


def _key(url: str) -> str:
    database = open_database(url)
    try:
        return ApiKeys(database).create("prometheus", "viewer")[1]
    finally:
        database.close()


def test_what_is_told_is_what_the_documents_list(watched: Watched) -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    listed = {name.removesuffix("_total") for name in re.findall(r"^\| `(oplake_\w+)` \|", page, re.MULTILINE)}
    watched.prometheus.wait_for('oplake_events_total{table="things"} == 20')
    watched.prometheus.wait_for("oplake_api_state_up == 1")

    told = watched.prometheus.get("/metadata")

    assert {name.removesuffix("_total") for name in told if name.startswith("oplake_")} == listed
    assert watched.prometheus.query('min(up{job=~"oplake-.*"})')[0]["value"][1] == "1"


def test_every_query_of_the_dashboards_is_answered_from_metrics_that_there_are(watched: Watched) -> None:
    watched.prometheus.wait_for('oplake_folded_rows_total{table="things"} == 20')
    watched.prometheus.wait_for("oplake_api_requests_total")
    told = set(watched.prometheus.get("/metadata")) | {f"{name}_total" for name in watched.prometheus.get("/metadata")}
    for expression in runpy.run_path(str(OBSERVABILITY / "dashboards.py"))["expressions"]():
        query = expression.replace("$__rate_interval", "1m").replace("$pipeline", ".*").replace("$table", ".*")
        is_told = not any(name in query for name in WITHOUT_SERIES)
        (watched.prometheus.wait_for if is_told else watched.prometheus.query)(query)
        assert {family_of(name) for name in METRIC.findall(query)} <= told


def test_an_alert_fires_when_a_table_stops(watched: Watched) -> None:
    firing = 'ALERTS{alertname="OplakeTableFailed", alertstate="firing"}'
    watched.prometheus.wait_for('oplake_table_failed{table="things"} == 0')
    assert watched.prometheus.query(firing) == []

    watched.database["things"].drop()

    (alert,) = watched.prometheus.wait_for(firing)
    assert (alert["metric"]["pipeline"], alert["metric"]["table"]) == ("things", "things")
    assert alert["metric"]["severity"] == "critical"
    told = wait(lambda: watched.prometheus.get("/alerts")["alerts"], "the alert with its annotations")
    annotations = [one["annotations"] for one in told if one["labels"]["alertname"] == "OplakeTableFailed"]
    assert annotations[0]["runbook_url"] == "docs/runbooks/table-failed.md"
