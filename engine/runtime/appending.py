"""Appends a batch to a table's log: what cannot be decoded is kept, what is there already is left out."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from engine.decode.decoded import Decoded
from engine.decode.decoder import Decoder
from engine.decode.rules import rules_of
from engine.errors import InternalError
from engine.lake.change_log import ChangeLog
from engine.lake.dead_letters import DeadLetters
from engine.lake.layout import dead_letters_uri
from engine.lake.widening import WideningRefused
from engine.runtime.jobs import TableJob
from engine.runtime.reports import Report
from engine.source.batch import Batch
from engine.telemetry.traces import span


class Appender:
    """Decodes and commits the batches of one table."""

    def __init__(self, job: TableJob, report: Report) -> None:
        self._job = job
        self._report = report
        table = job.pipeline.table
        self._decoder = Decoder(rules_of(table.fields, table.on_conflict, table.partition_by))

    def append(self, log: ChangeLog, batch: Batch) -> None:
        """Dead letters first, then columns, then the rows together with the position after all of them.

        Raises:
            TooManyDeadLetters: the budget is spent; the position stays before these records.
            CommitConflict: another worker was first: open the log again.
            TypeConflict: a value does not fit its column and the spec says ``on_conflict: fail``.
            LakeError: a table cannot be read or written.
        """
        began = time.monotonic()
        if batch.rejected:
            budget = self._job.pipeline.max_dead_letters
            self._report.rejected(self._dead_letters().keep(batch.rejected, datetime.now(UTC), budget))
        fresh = batch.without(log.known_orders(batch.suspects)) if batch.suspects else batch
        self._report.absorbed(len(batch) - len(fresh))
        with span("decode"):
            decoded = self._decode(log, fresh)
        if decoded.table.num_rows != len(fresh):
            raise InternalError(f"{len(fresh)} changes became {decoded.table.num_rows} rows", where=log.uri)
        columns_before = log.columns()
        log.evolve(decoded.columns)
        self._report.evolved(columns_before, decoded.columns)
        before_commit = time.monotonic()
        with span("commit"):
            log.append(decoded.table, fresh.position)
        now = time.monotonic()
        self._report.took(batch_s=now - began, commit_s=now - before_commit)
        self._report.appended(log, fresh, decoded)

    def _dead_letters(self) -> DeadLetters:
        """Where they are, with the store's keys of now."""
        uri = dead_letters_uri(self._job.lake_uri, self._job.pipeline.pipeline)
        return DeadLetters(uri, self._job.target.lake.storage_options())

    def _decode(self, log: ChangeLog, batch: Batch) -> Decoded:
        decoded = self._decoder.decode(batch, log.columns(), datetime.now(UTC))
        if not decoded.widenings:
            return decoded
        try:
            log.widen(decoded.widenings)
        except WideningRefused as refusal:
            self._report.widening_refused(refusal)
            table = self._job.pipeline.table
            self._decoder = Decoder(rules_of(table.fields, "rescue", table.partition_by))
        else:
            self._report.widened(decoded.widenings)
        return self._decoder.decode(batch, log.columns(), datetime.now(UTC))
