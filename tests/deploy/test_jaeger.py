"""A real Jaeger takes what the committed collector sends, and tells clients the committed shares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.telemetry.traces import span, tracing
from tests.built_servers import needs
from tests.deploy.prometheus import OBSERVABILITY
from tests.deploy.trace_servers import CommittedCollector, Jaeger
from tests.patience import wait_until

pytestmark = [needs("jaeger"), pytest.mark.slow]


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    with Jaeger(tmp_path_factory.mktemp("jaeger")) as one:
        yield one


@needs("collector")
def test_a_trace_is_found_in_jaeger(jaeger: Jaeger, tmp_path: Path) -> None:
    with CommittedCollector(tmp_path / "collector", jaeger.otlp_port) as collector:
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address, "OTEL_TRACES_SAMPLER_ARG": "1"}
        with tracing("oplake-run", told), span("batch", **{"oplake.table": "orders"}), span("commit"):
            pass
        wait_until(lambda: "oplake-run" in jaeger.services())
    batch, commit = sorted(jaeger.spans("oplake-run"), key=lambda one: str(one["operationName"]))
    assert (batch["operationName"], commit["operationName"]) == ("batch", "commit")
    assert batch["tags"]["oplake.table"] == "orders"
    assert commit["references"][0]["spanID"] == batch["spanID"]


def test_a_client_that_asks_jaeger_is_told_the_committed_shares(jaeger: Jaeger) -> None:
    strategies = json.loads((OBSERVABILITY / "jaeger" / "sampling.json").read_text())
    for service in strategies["service_strategies"]:
        told = jaeger.sampling(service["service"])["operationSampling"]
        assert told["defaultSamplingProbability"] == service["param"]
        shares = {one["operation"]: one["probabilisticSampling"] for one in told["perOperationStrategies"]}
        assert shares == {one["operation"]: {"samplingRate": one["param"]} for one in service["operation_strategies"]}
    others = jaeger.sampling("another")["probabilisticSampling"]
    assert others == {"samplingRate": strategies["default_strategy"]["param"]}
