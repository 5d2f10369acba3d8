"""Counters as a page that Prometheus reads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from engine.telemetry.counters import TableCounters
from engine.telemetry.durations import BOUNDS_S, Durations
from engine.telemetry.metrics.families import BUILD, FAMILIES, PROCESSES, RESTARTS, STARTED, Family, Value

STARTED_AT = time.time()
"""This is loaded when the run begins."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What there is to tell at one moment; each table once."""

    tables: Sequence[TableCounters]
    processes: int = 1
    restarts: int = 0


class ReadingCollector(Collector):
    """The metrics of one reading."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterator[Metric]:
        """Every family, those without a series included: their names are part of the page."""
        yield _with(GaugeMetricFamily(BUILD[0], BUILD[2], labels=["version"]), [([version("oplake")], 1.0)])
        yield GaugeMetricFamily(STARTED[0], STARTED[2], value=STARTED_AT)
        yield GaugeMetricFamily(PROCESSES[0], PROCESSES[2], value=self._reading.processes)
        yield CounterMetricFamily(RESTARTS[0], RESTARTS[2], value=self._reading.restarts)
        for family in FAMILIES:
            yield _metric(family, self._reading.tables)


def page(reading: Reading, accept: str = "") -> tuple[bytes, str]:
    """The text in the newest form that ``accept`` (an HTTP header) takes, and its content type."""
    registry = CollectorRegistry()
    registry.register(ReadingCollector(reading))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _metric(family: Family, tables: Iterable[TableCounters]) -> Metric:
    values = [([one.pipeline, one.table], family.read(one)) for one in tables]
    match family.kind:
        case "counter":
            return _with(CounterMetricFamily(family.name, family.help, labels=family.labels), _numbers(values))
        case "gauge":
            return _with(GaugeMetricFamily(family.name, family.help, labels=family.labels), _numbers(values))
        case "histogram":
            histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
            for labels, value in values:
                if isinstance(value, Durations):
                    histogram.add_metric(labels, _cumulative(value), value.total_s)
            return histogram


def _with(
    metric: CounterMetricFamily | GaugeMetricFamily, series: Iterable[tuple[list[str], float]]
) -> CounterMetricFamily | GaugeMetricFamily:
    for labels, value in series:
        metric.add_metric(labels, value)
    return metric


def _numbers(values: Iterable[tuple[list[str], Value]]) -> Iterator[tuple[list[str], float]]:
    for labels, value in values:
        if isinstance(value, Mapping):
            yield from (([*labels, str(partition)], float(number)) for partition, number in sorted(value.items()))
        elif isinstance(value, int | float):
            yield labels, float(value)


def _cumulative(durations: Durations) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), durations.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets
