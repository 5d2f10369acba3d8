"""What the state database and the source tell at a moment, as metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from engine.api.metrics import families
from engine.api.metrics.families import Family
from engine.api.metrics.found import Found
from engine.state.jobs import JobCounts
from engine.state.wanted_runs import WantedRun


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything but requests. What is not known is left out."""

    target: str
    is_up: bool = False
    """Whether the state database answers."""
    jobs: JobCounts = field(default_factory=JobCounts)
    runs: Sequence[WantedRun] = ()
    reconciled: Sequence[Found] = ()
    """The last of each table and mode."""


class StandingCollector(Collector):
    """The metrics of one standing."""

    def __init__(self, standing: Standing, oplog_window_s: float | None) -> None:
        self._standing, self._oplog_window_s = standing, oplog_window_s

    def collect(self) -> Iterator[Metric]:
        """Every family, those without a series included: their names are part of the page."""
        one, window_s = self._standing, self._oplog_window_s
        yield _gauge(families.STATE_UP, {(): float(one.is_up)})
        yield _gauge(families.JOBS, {who: float(count) for who, count in one.jobs.by_kind.items()})
        yield _gauge(families.JOB_WAITS, {(): one.jobs.oldest_waiting_s} if one.is_up else {})
        yield _gauge(families.RUNS, {(run.pipeline, run.wish, run.state): 1.0 for run in one.runs})
        yield from _reconciled(one.reconciled)
        yield _gauge(families.OPLOG, {} if window_s is None else {(one.target,): window_s})


def _reconciled(found: Iterable[Found]) -> Iterator[Metric]:
    passes = {(one.pipeline, one.table, one.mode): one for one in found}
    yield _gauge(families.RECONCILED_AT, {who: one.ended_at for who, one in passes.items()})
    yield _gauge(families.RECONCILE_DURATION, {who: one.seconds for who, one in passes.items()})
    yield _gauge(families.RECONCILED_DOCUMENTS, {who: one.documents for who, one in passes.items()})
    yield _gauge(families.CONFIRMED, {who: one.confirmed for who, one in passes.items()})
    yield _gauge(families.UNDECIDED, {who: one.undecided for who, one in passes.items()})
    yield _gauge(families.COMPLETE, {who: float(one.is_complete) for who, one in passes.items()})


def _gauge(family: Family, series: Mapping[tuple[str, ...], float]) -> Metric:
    metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in series.items():
        metric.add_metric(labels, value)
    return metric
