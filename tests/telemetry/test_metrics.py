"""Metrics have stable, documented names, few series, and totals that never go down."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from engine.telemetry.counters import TableCounters
from engine.telemetry.durations import BOUNDS_S, Durations
from engine.telemetry.metrics.exposition import Reading, page
from engine.telemetry.metrics.families import BUILD, FAMILIES, PROCESSES, RESTARTS, STARTED
from engine.telemetry.metrics.merging import merged

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
ORDER = ("table", "partition", "le")
LABELS = {"pipeline", "table", "partition", "version", "le"}


def samples(*tables: TableCounters) -> dict[tuple[str, str], float]:
    """(name, table and partition) -> value, as Prometheus would read the page."""
    text = page(Reading(tables))[0].decode()
    return {
        (one.name, "/".join(one.labels[label] for label in ORDER if label in one.labels)): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def busy() -> TableCounters:
    durations = Durations()
    durations.note(0.02)
    durations.note(7000.0)
    return TableCounters(
        "orders", "shop", "streaming", rows=5, lag_s=0.5, lag_events={0: 3, 7: 0}, commit_s=durations, log_version=9
    )


def test_the_page_lists_every_metric_and_no_other() -> None:
    rows = [(name, kind, "", text) for name, kind, text in (BUILD, STARTED, PROCESSES, RESTARTS)]
    rows += [(one.name, one.kind, ", ".join(one.labels), one.help) for one in FAMILIES]
    rows[0] = (*BUILD[:2], "version", BUILD[2])
    wanted = [f"| `{name}` | {kind} | {labels} | {text} |" for name, kind, labels, text in rows]

    of_runs = PAGE.read_text(encoding="utf-8").partition("## The service")[0]
    assert re.findall(r"^\| `oplake_.*$", of_runs, re.MULTILINE) == wanted


def test_prometheus_reads_what_the_counters_say() -> None:
    found = samples(busy())

    assert found["oplake_events_total", "orders"] == 5
    assert found["oplake_lag_seconds", "orders"] == 0.5
    assert found["oplake_lag_events", "orders/0"] == 3
    assert found["oplake_lag_events", "orders/7"] == 0
    assert found["oplake_commit_duration_seconds_count", "orders"] == 2
    assert found["oplake_commit_duration_seconds_bucket", "orders/0.025"] == 1
    assert found["oplake_commit_duration_seconds_bucket", "orders/+Inf"] == 2
    assert found["oplake_log_version", "orders"] == 9


def test_what_is_not_known_has_no_series() -> None:
    found = samples(TableCounters("orders", "shop"))

    assert not [name for name, _ in found if name in ("oplake_lag_seconds", "oplake_oplog_window_seconds")]


def test_a_table_has_a_fixed_number_of_series_and_no_label_of_its_data() -> None:
    text = page(Reading([busy()]))[0].decode()
    labels = {label for family in text_string_to_metric_families(text) for s in family.samples for label in s.labels}

    assert labels == LABELS
    histograms = sum(one.kind == "histogram" for one in FAMILIES)
    assert len(samples(busy())) <= len(FAMILIES) + 4 + histograms * (len(BOUNDS_S) + 3)


def test_openmetrics_is_spoken_to_those_who_ask_for_it() -> None:
    body, content_type = page(Reading([busy()]), "application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_processes_add_up_and_the_worst_lag_is_told() -> None:
    one = TableCounters("orders", "shop", "streaming", rows=5, lag_s=1.0, lag_events={0: 3}, log_version=7)
    other = TableCounters("orders", "shop", "failed", rows=2, lag_s=9.0, lag_events={1: 4}, log_version=8)

    (sum_,) = merged([one, other])

    assert (sum_.rows, sum_.lag_s, sum_.lag_events, sum_.log_version) == (7, 9.0, {0: 3, 1: 4}, 8)
    assert sum_.phase == "failed"


def test_the_totals_of_a_process_that_is_gone_stay_and_its_figures_do_not() -> None:
    (sum_,) = merged([TableCounters("orders", "shop", rows=1)], ended=[busy()])

    assert sum_.rows == 6
    assert sum_.commit_s.total_s == 7000.02
    assert (sum_.lag_s, sum_.lag_events, sum_.log_version) == (None, {}, None)
