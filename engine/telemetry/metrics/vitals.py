"""What a probe asks of a run: of one process, or of several under their supervisor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.telemetry.counters import TableCounters
from engine.telemetry.metrics.exposition import Reading
from engine.telemetry.metrics.merging import merged
from engine.telemetry.metrics.verdict import Verdict, live, ready

STARTING = Verdict(("starting: the specs are read and the store is tried",))


class Vitals(Protocol):
    """Answers without waiting for anything."""

    def live(self) -> Verdict:
        """Whether the run moves."""

    def ready(self) -> Verdict:
        """Whether it does what it was started for."""

    def reading(self) -> Reading:
        """Its counters."""


class OwnVitals:
    """Those of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._now = clock
        self._tables: Sequence[TableCounters] | None = None

    def watch(self, tables: Sequence[TableCounters]) -> None:
        """The tables are known: these counters tell of them from now on."""
        self._tables = tables

    @property
    def tables(self) -> Sequence[TableCounters] | None:
        """The counters; None before the tables are known."""
        return self._tables

    def live(self) -> Verdict:
        """Whether every loop moves."""
        return live(self._tables or (), self._now())

    def ready(self) -> Verdict:
        """Whether every table is at work."""
        return STARTING if self._tables is None else ready(self._tables)

    def reading(self) -> Reading:
        """The counters as they are."""
        return Reading(merged(self._tables or ()))
