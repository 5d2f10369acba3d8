"""Watches the connectors that tables are fed by: a table whose connector has failed is late and does not know it.

Kafka Connect leaves a task that has failed as it is, also where a start anew would do: one fails, now and then, because
a broker was away for a moment. So it is started again here, with pauses that double. What it had not committed it reads
again, from its committed place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from engine.errors import InternalError, OplakeError
from engine.resources.connect_rest import ConnectRest
from engine.resources.connector_states import ConnectorState, read_state
from engine.runtime.reports import Report
from engine.runtime.worker import Worker
from engine.spec.kafka_names import connector_name

LOOK_EVERY_S = 5.0
FIRST_PAUSE_S = 10.0
"""Before it is started again for the second time."""
LONGEST_PAUSE_S = 300.0
"""Before it is started again; and so long a connector has to run before its earlier failures are forgotten."""


@dataclass
class WatchedConnector:
    """One pipeline's connector."""

    name: str
    rest: ConnectRest
    reports: Sequence[Report]
    """Of the pipeline's tables."""
    is_ours: Callable[[], bool]
    """Whether this process is the one of all workers that looks after it."""
    restarts: bool = True
    """Whether it is started again, or its failure only told."""
    _pause_s: float = FIRST_PAUSE_S
    _restart_at: float = 0.0
    _failed_at: float | None = None
    _told: str | None = field(default=None, repr=False)
    """Why it could not be asked, as it was told last."""

    def look(self, now: float) -> None:
        """Ask Connect for its state, and start it again when that is due.

        Args:
            now: monotonic seconds.
        """
        if not self.is_ours():
            self._show(None)
            return
        try:
            state = read_state(self.rest.status(self.name))
            self._heed(state, now)
        except OplakeError as error:
            self._show(None)
            if self._told != error.what:
                self._told = error.what
                self.reports[0].connector_unknown(self.name, error)

    def _heed(self, state: ConnectorState, now: float) -> None:
        self._told = None
        self._show(state.is_failed)
        if not state.is_failed:
            if self._failed_at is not None and now - self._failed_at > LONGEST_PAUSE_S:
                self._failed_at, self._pause_s, self._restart_at = None, FIRST_PAUSE_S, 0.0
            return
        self._failed_at = now
        if not self.restarts or now < self._restart_at:
            return
        self.rest.restart(self.name)
        self._restart_at = now + self._pause_s
        self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
        self.reports[0].connector_restarted(self.name, state.trace.partition(":")[0])

    def _show(self, is_failed: bool | None) -> None:
        for report in self.reports:
            report.connector(self.name, is_failed=is_failed)


@contextmanager
def watched_connectors(workers: Sequence[Worker], every_s: float = LOOK_EVERY_S) -> Iterator[None]:
    """Look after the connectors of these workers' tables meanwhile, in a thread of its own."""
    connectors = _connectors(workers)
    if not connectors:
        yield
        return
    over = threading.Event()

    def look() -> None:
        while not over.wait(every_s):
            for connector in connectors:
                connector.look(time.monotonic())

    threading.Thread(target=look, name="connectors", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _connectors(workers: Sequence[Worker]) -> list[WatchedConnector]:
    """One for each pipeline on Kafka."""
    pipelines: dict[tuple[str, str], list[Worker]] = {}
    for worker in workers:
        if worker.job.target.transport.kafka is not None:
            pipelines.setdefault((worker.job.target.target, worker.job.pipeline.pipeline), []).append(worker)
    return [_connector(sorted(some, key=lambda worker: worker.job.table)) for some in pipelines.values()]


def _connector(workers: Sequence[Worker]) -> WatchedConnector:
    """The connector of one pipeline's tables; whoever leads the first of them looks after it."""
    first, job = workers[0], workers[0].job
    kafka = job.target.transport.kafka
    if kafka is None:
        raise InternalError("no Kafka in the target", where=job.target.target)
    return WatchedConnector(
        connector_name(job.target, job.pipeline),
        ConnectRest(kafka.connect_url.resolved()),
        [worker.report for worker in workers],
        is_ours=lambda: first.leads,
        restarts=kafka.restart_failed,
    )
