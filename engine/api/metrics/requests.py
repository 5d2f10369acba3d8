"""Counts requests: in this process, or in all processes of a service together.

Processes that share a service write their counts to files of one folder (``PROMETHEUS_MULTIPROC_DIR``, as
prometheus-client has it): whichever of them is asked tells of all, and a process that ends takes nothing away.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from engine.api.metrics.families import REQUEST_DURATION, REQUESTS

SHARED = "PROMETHEUS_MULTIPROC_DIR"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
OTHER = "other"
"""A method that is none, a path that is no route: anybody may make up as many as they like."""
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RequestCounts:
    """Requests of one application."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self._requests = Counter(REQUESTS.name, REQUESTS.help, REQUESTS.labels, registry=self._own)
        self._durations = Histogram(
            REQUEST_DURATION.name,
            REQUEST_DURATION.help,
            REQUEST_DURATION.labels,
            buckets=BOUNDS_S,
            registry=self._own,
        )

    def count(self, method: str, route: str | None, status: int, seconds: float | None) -> None:
        """Count one.

        Args:
            route: as the API describes it (``/api/v1/pipelines/{name}``); None when no route was found.
            seconds: None for a stream, which lasts as long as somebody listens.
        """
        known = method if method in METHODS else OTHER
        self._requests.labels(known, route or OTHER, str(status)).inc()
        if seconds is not None:
            self._durations.labels(known, route or OTHER).observe(seconds)

    @property
    def registry(self) -> CollectorRegistry:
        """The counts of this process, or of all that share a folder."""
        if SHARED not in os.environ:
            return self._own
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # it registers itself
        return shared
