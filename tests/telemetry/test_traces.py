"""Spans reach a real OTLP receiver: sampled, whole when something fails, and without data."""

from __future__ import annotations

import contextvars
import io
import json
import os
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.sampling import Decision

from engine.errors import CommitConflict, ToolMissing, UsageError
from engine.telemetry import traces
from engine.telemetry.logs import logger
from engine.telemetry.otlp_sampling import sampler
from engine.telemetry.traces import PROBE, BatchTraces, span, tracing
from tests.telemetry.collector import Collector, attributes, collector

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-00"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as one:
        for name, value in one.environment.items():
            monkeypatch.setenv(name, value)
        yield one


def test_one_trace_follows_a_record_into_its_batch_and_the_fold(receiver: Collector) -> None:
    with tracing("test"):
        table = BatchTraces("shop", "orders")
        with table.batch([PARENT, UNSAMPLED, "no traceparent"], 3, 90), span("commit"):
            pass
        with table.fold():
            pass

    (batch,), (commit,), (fold,) = map(receiver.named, ("batch", "commit", "fold"))
    assert {one.trace_id.hex() for one in (batch, commit, fold)} == {PARENT.split("-")[1]}
    assert batch.parent_span_id.hex() == PARENT.split("-")[2]
    assert [link.trace_id.hex() for link in batch.links] == [PARENT.split("-")[1], UNSAMPLED.split("-")[1]]
    assert commit.parent_span_id == fold.parent_span_id == batch.span_id
    assert attributes(batch) == {
        "oplake.pipeline": "shop",
        "oplake.table": "orders",
        "oplake.rows": 3,
        "oplake.bytes": 90,
    }


def failing(table: BatchTraces) -> None:
    with table.batch([UNSAMPLED], 1, 1):
        with span("decode"):
            pass
        with span("commit"):
            raise CommitConflict("hunter2")


def test_what_is_not_sampled_is_sent_whole_when_it_fails_and_not_at_all_otherwise(
    receiver: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    with tracing("test"):
        table = BatchTraces("shop", "orders")
        for parents in ([], [UNSAMPLED]):
            with table.batch(parents, 1, 1), span("decode"):
                pass
        with pytest.raises(CommitConflict):
            failing(table)

    assert sorted(one.name for one in receiver.spans) == ["batch", "commit", "decode"]
    (commit,), (batch,) = receiver.named("commit"), receiver.named("batch")
    assert attributes(commit) == {"error.type": "commit-conflict"}
    whose = {"oplake.pipeline": "shop", "oplake.table": "orders", "oplake.rows": 1, "oplake.bytes": 1}
    assert attributes(batch) == whose | {"error.type": "commit-conflict"}
    assert commit.trace_id.hex() == UNSAMPLED.split("-")[1]
    assert not [body for body in receiver.bodies if b"hunter2" in body]


def test_a_line_of_the_log_within_a_span_carries_its_trace(
    receiver: Collector, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "1")
    with tracing("test"):
        with span("batch"):
            logger().info("inside")
        logger().info("outside")

    inside, outside = map(json.loads, logged.getvalue().splitlines())
    (batch,) = receiver.named("batch")
    assert (inside["trace_id"], inside["span_id"]) == (batch.trace_id.hex(), batch.span_id.hex())
    assert "trace_id" not in outside


def test_without_an_address_nothing_is_recorded_or_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with tracing("test"):
        assert not traces.is_on()
        assert span("batch", [PARENT]) is span("fold")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with tracing("test"):
        assert not traces.is_on()


def test_a_targets_address_and_share_hold_where_the_environment_says_nothing(
    receiver: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER_ARG": "1"}
    with tracing("test", told), span("batch"):
        assert os.environ["OTEL_TRACES_SAMPLER_ARG"] == "1", "processes that are started now inherit it"
    assert "OTEL_TRACES_SAMPLER_ARG" not in os.environ
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    with tracing("test", told), span("fold"):
        pass

    assert [one.name for one in receiver.spans] == ["batch"]


def test_a_request_that_fails_takes_none_of_the_same_trace_with_it_and_its_parts_in_other_threads_along(
    receiver: Collector,
) -> None:
    with tracing("test"):
        with traces.request("GET", UNSAMPLED), traces.request("GET", UNSAMPLED) as failing:
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(_part,))
            thread.start()
            thread.join()
            failing.rename("GET /broken")
            failing.fail("internal")
        with traces.request("GET", UNSAMPLED):
            pass

    assert sorted(one.name for one in receiver.spans) == ["GET /broken", "part"]


def _part() -> None:
    with span("part"):
        pass


def test_what_somebody_asked_for_is_sent_always_and_probes_are_sent_a_tenth_as_often() -> None:
    chosen = sampler(0.5)
    share = int(0.3 * 2**64)  # of all ids, those below are sent when three in ten are

    def is_sent(name: str, trace_id: int) -> bool:
        return chosen.should_sample(None, trace_id, name).decision is Decision.RECORD_AND_SAMPLE

    assert [is_sent(name, share) for name in ("POST", "job", "GET", PROBE)] == [True, True, True, False]
    assert [is_sent(name, 2**64 - 1) for name in ("POST", "reconcile", "GET", PROBE)] == [True, True, False, False]
    assert sampler(0).should_sample(None, share, "POST").decision is Decision.RECORD_ONLY


def test_a_share_that_is_none_is_refused_by_its_name(receiver: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("often", "1.5"):
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", wrong)
        with pytest.raises(UsageError, match="is no share"), tracing("test"):
            pass
    assert receiver.spans == []


def test_a_collector_that_is_away_stops_nothing_and_is_told_of_without_its_words(
    logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@127.0.0.1:1")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with tracing("test"), span("batch"):
        pass

    assert "traces not sent" in logged.getvalue()
    assert "hunter2" not in logged.getvalue()


def test_missing_libraries_are_named_with_the_way_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "engine.telemetry.otlp", None)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ToolMissing, match="not installed"), tracing("test"):
        pass
