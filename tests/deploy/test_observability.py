"""What is in deploy/observability fits together: every alert has a test and a page, every name is a metric."""

from __future__ import annotations

import io
import json
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.api.metrics.requests import METHODS
from engine.telemetry.logs import logger
from engine.telemetry.otlp import SHARE
from engine.telemetry.otlp_sampling import ALWAYS, PROBES_ARE
from engine.telemetry.traces import PROBE
from tests.deploy.prometheus import METRIC, OBSERVABILITY, ROOT, family_of, needs_prometheus, read_yaml

RULES = OBSERVABILITY / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"


def rules() -> list[dict[str, Any]]:
    return [rule for group in read_yaml(RULES / "alerts.yml")["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def documented() -> set[str]:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(oplake_\w+)` \|", page, re.MULTILINE))


def dashboards() -> dict[str, Any]:
    return runpy.run_path(str(OBSERVABILITY / "dashboards.py"))


@pytest.mark.slow
@needs_prometheus
def test_the_rules_do_what_their_tests_say() -> None:
    told = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"], cwd=RULES, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr


@needs_prometheus
def test_the_configuration_is_what_prometheus_takes(tmp_path: Path) -> None:
    for one in RULES.glob("*.yml"):
        (tmp_path / one.name).write_bytes(one.read_bytes())
    (tmp_path / "api-key").touch()
    subprocess.run(["promtool", "check", "config", str(tmp_path / "prometheus.yml")], check=True, capture_output=True)


def test_every_alert_fires_in_a_test_of_its_own() -> None:
    tested = [one for test in read_yaml(RULES / "alerts_test.yml")["tests"] for one in test["alert_rule_test"]]

    assert {one["alertname"] for one in tested if one.get("exp_alerts")} == alerts().keys()


def test_every_alert_leads_to_a_page_that_names_it() -> None:
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    for name, rule in alerts().items():
        page = ROOT / rule["annotations"]["runbook_url"]
        assert name in page.read_text(encoding="utf-8").partition("\n\n")[2].partition("\n\n")[0], page
        assert f"| {name} | [" in index
        assert f"]({page.name})" in index
        assert rule["labels"]["severity"] in ("warning", "critical")


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_names_metrics_and_pages_that_there_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert {family_of(name) for name in METRIC.findall(text)} <= documented()
    assert [link for link in re.findall(r"\]\(([^)]+)\)", text) if not (page.parent / link).exists()] == []


def test_rules_and_dashboards_name_metrics_that_there_are() -> None:
    queries = [rule["expr"] for rule in rules()] + dashboards()["expressions"]()

    assert {family_of(name) for query in queries for name in METRIC.findall(query)} <= documented()


def test_the_dashboards_are_as_their_source_makes_them() -> None:
    made = dashboards()["dashboards"]()

    assert {one.name: one.read_text(encoding="utf-8") for one in (OBSERVABILITY / "grafana").iterdir()} == made, (
        "make dashboards"
    )


def test_the_collector_uses_what_it_defines_and_listens_where_oplake_sends() -> None:
    config = read_yaml(OBSERVABILITY / "collector" / "config.yaml")
    used = config["service"]["pipelines"]["traces"]

    for kind in ("receivers", "processors", "exporters"):
        assert set(used[kind]) == config[kind].keys()
    assert config["service"]["extensions"] == list(config["extensions"])
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")


def test_sampling_names_the_services_and_the_spans_that_there_are_with_our_own_shares() -> None:
    strategies = json.loads((OBSERVABILITY / "jaeger" / "sampling.json").read_text())
    code = "".join(path.read_text() for path in (ROOT / "engine").rglob("*.py"))
    services = strategies["service_strategies"]

    assert {one["service"] for one in services} == set(re.findall(r'tracing\("([a-z-]+)"', code))
    operations = {one["operation"]: one["param"] for service in services for one in service["operation_strategies"]}
    assert {name for name in operations if f'span("{name}"' not in code} <= {PROBE, *METHODS}
    assert {name for name, param in operations.items() if param == 1.0} - {"fold"} <= ALWAYS
    assert operations[PROBE] == pytest.approx(SHARE * PROBES_ARE)
    shares = [strategies["default_strategy"], *services]
    assert all(one["type"] == "probabilistic" and one["param"] == SHARE for one in shares)


def test_filebeat_reads_the_fields_of_our_lines_and_old_ones_are_deleted(logged: io.StringIO) -> None:
    config = read_yaml(OBSERVABILITY / "filebeat" / "filebeat.yml")
    policy = json.loads((OBSERVABILITY / "filebeat" / "ilm-policy.json").read_text())["policy"]
    logger(table="orders").info("batch appended")
    line = json.loads(logged.getvalue())

    (source,) = config["filebeat.inputs"]
    timestamp, rename = source["processors"]
    named = {one["from"] for one in rename["rename"]["fields"]} | {timestamp["timestamp"]["field"]}
    assert named == {f"oplake.{name}" for name in ("timestamp", "level", "event", "trace_id", "span_id")}
    assert {"timestamp", "level", "event"} <= line.keys()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
    assert policy["phases"]["delete"]["min_age"] == "30d"
    assert config["setup.ilm"]["policy_file"].endswith("ilm-policy.json")
