"""Spans reach a real OTLP receiver: sampled, whole when something fails, and without data."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from engine.errors import CommitConflict, ToolMissing
from engine.telemetry import traces
from engine.telemetry.logs import logger
from engine.telemetry.traces import BatchTraces, span, tracing
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
    (commit,) = receiver.named("commit")
    assert attributes(commit) == {"error.type": "commit-conflict"}
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


def test_without_an_address_nothing_is_recorded_or_loaded() -> None:
    with tracing("test", {}):
        assert not traces.is_on()
        assert span("batch", [PARENT]) is span("fold")
    with tracing("test", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}):
        assert not traces.is_on()


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
    with (
        pytest.raises(ToolMissing, match="not installed"),
        tracing("test", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}),
    ):
        pass
