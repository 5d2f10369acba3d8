"""Keeps one table in step with its collection: the whole story of a batch.

Open the log, open the source where the log says, then: poll, decode, evolve, append with the position, fold.
Which of these comes next is decided in ``step``; how each is done is written in the rooms it belongs to.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from engine.errors import (
    CredentialsChanged,
    LakeError,
    OplakeError,
    PartitionsMoved,
    RetryableError,
    SecretsUnreachable,
)
from engine.lake.change_log import ChangeLog
from engine.lake.delta_errors import NoTable, StoreSilent
from engine.lake.standing import TableReplaced
from engine.runtime.appending import Appender
from engine.runtime.folding import fold, is_folded, let_others_fold
from engine.runtime.jobs import TableJob
from engine.runtime.reports import Report
from engine.runtime.retries import LONGEST_WAIT_S, Retries
from engine.runtime.sources import Feed
from engine.runtime.step import (
    Append,
    Appended,
    Bounds,
    Event,
    Exit,
    Fold,
    Folded,
    Poll,
    Polled,
    PositionRecorded,
    RecordPosition,
    Started,
    StopRequested,
    begin,
    step,
)
from engine.runtime.stopping import StopRequest
from engine.runtime.upkeep import Upkeep
from engine.source.source import Source
from engine.telemetry.traces import BatchTraces

NAP_S = 0.1


class Worker:
    """One table's thread of work."""

    def __init__(
        self,
        job: TableJob,
        feed: Feed,
        stop: StopRequest,
        report: Report,
        *,
        until_caught_up: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job = job
        self.report = report
        self._feed = feed
        self._stop = stop
        self._until_caught_up = until_caught_up
        self._now = clock
        self._retries = Retries()
        self._upkeep = Upkeep(job, report)
        self.leads = False
        """Whether the table is folded, and its connector looked after, by this one of its workers."""
        self._log_id: str | None = None
        self._options: Mapping[str, str] = {}
        self._appender = Appender(job, report)
        self._traces = BatchTraces(job.pipeline.pipeline, job.table)

    def run(self) -> str:
        """Work until caught up or told to stop; returns which.

        Raises:
            OplakeError: what stopped the table. All that was committed stays and is exact.
        """
        with closing(self._feed):
            return self._run()

    def _run(self) -> str:
        while True:
            try:
                return self._session()
            except PartitionsMoved:
                self.leads = False
                self.report.moved()
            except CredentialsChanged:
                self.report.reconnecting()
            except (RetryableError, StoreSilent) as error:
                if self._stop.requested:
                    return "stopped"  # nothing is in hand any more, and what is to be waited for may not come
                wait_s = self._retries.wait_s(self._now())
                if wait_s is None and isinstance(error, SecretsUnreachable):
                    wait_s = LONGEST_WAIT_S  # a restart would have even less to go on with
                if wait_s is None:
                    raise
                self.report.retrying(error, wait_s)
                self._nap(wait_s)
            except LakeError as error:
                if not self._has_other_keys():
                    raise
                self.report.retrying(error, 0.0)

    def _session(self) -> str:
        """From opening the log to the end of the loop, or to an error after which it has to be opened again."""
        log = self._open_log()
        with closing(self._feed.open(log)) as source:
            self.leads = source.may_fold
            self.report.opened(log, source.position)
            state = begin(self._bounds(source), source.position, until_caught_up=self._until_caught_up)
            event: Event = Started(self._now())
            while True:
                self.report.stepped()
                self.report.leased_until(self.job.target.mongodb.uri.template.ends_at)
                state, effect = step(state, event)
                if self._stop.requested and not state.stopping:
                    state, effect = step(state, StopRequested(self._now()))
                match effect:
                    case Poll(timeout_s, max_rows, max_bytes):
                        batch = source.poll(timeout_s, max_rows, max_bytes)
                        self.report.polled(source, batch.position)
                        caught_up = self._until_caught_up and source.caught_up
                        event = Polled(batch, self._now(), caught_up, source.own_part_read)
                    case Append(batch):
                        with self._traces.batch(batch.traces, len(batch), batch.size_bytes):
                            self._appender.append(log, batch)
                        self._retries.succeeded()
                        source.acknowledge(batch.position)
                        event = Appended(self._now())
                    case RecordPosition(position):
                        log.record_position(position)
                        source.acknowledge(position)
                        self._retries.succeeded()
                        self.report.recorded(log)
                        self._upkeep.keep_if_due()
                        event = PositionRecorded(self._now())
                    case Fold():
                        self.report.folding()
                        if not source.may_fold:
                            let_others_fold(
                                lambda: self._stop.requested or is_folded(self.job.folded_uri, log),
                                self._nap,
                                self._now,
                            )
                        with self._traces.fold():
                            self.report.folded(fold(self.job, log, self._nap))
                        self._upkeep.keep_if_due()
                        event = Folded(self._now())
                    case Exit(reason):
                        return reason

    def _bounds(self, source: Source) -> Bounds:
        """The table's limits; of the workers that share a table, one folds it.

        At the end of a run that ends by itself each of them does: the one that should may be between two workers.
        """
        bounds = replace(self.job.bounds, is_shared=source.is_shared)
        if source.may_fold or bounds.fold_every_s is None:
            return bounds
        return replace(bounds, fold_every_s=math.inf if self._until_caught_up else None)

    def _has_other_keys(self) -> bool:
        """Whether the keys of the store were exchanged since the log was opened."""
        try:
            return self._options != self.job.target.lake.storage_options()
        except OplakeError:
            return False

    def _open_log(self) -> ChangeLog:
        """The log; after a retry it has to be the one that this worker began with.

        Raises:
            TableReplaced: it is not, and the specs this worker was started with may not be the new one's.
        """
        self._options = self.job.target.lake.storage_options()
        try:
            log = ChangeLog.open(self.job.paths.changes, self._options)
        except NoTable as error:
            if self._log_id is None:
                raise
            raise TableReplaced.at(self.job.paths.changes, None) from error
        if self._log_id not in (None, log.id):
            raise TableReplaced.at(log.uri, log.id)
        self._log_id = log.id
        return log

    def _nap(self, seconds: float) -> None:
        """Wait in small pieces, so that a stop request is not kept waiting."""
        until = self._now() + seconds
        while not self._stop.requested and self._now() < until:
            time.sleep(NAP_S)
