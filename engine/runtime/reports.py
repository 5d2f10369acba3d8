"""What a worker says about itself: counters for whoever watches, log lines for whoever reads later."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from engine.decode.decoded import Decoded
from engine.decode.decoder import count_leaves
from engine.decode.rescue import RESCUING
from engine.errors import OplakeError
from engine.lake.change_log import ChangeLog
from engine.lake.delta_errors import is_of_store
from engine.lake.fold_steps import FoldResult
from engine.lake.maintenance import Upkeep
from engine.source.batch import Batch
from engine.spec.types import ColumnType, Struct, format_type
from engine.telemetry.counters import TableCounters
from engine.telemetry.logs import logger


class Progressing(Protocol):
    """A source, as far as it can be watched."""

    @property
    def lag_seconds(self) -> float | None:
        """Seconds behind the source; None while unknown."""

    @property
    def lag_events(self) -> Mapping[int, int]:
        """Partition that is ours -> records in it not read yet, as far as known."""

    @property
    def is_assigned(self) -> bool:
        """Whether it is settled which partitions are ours, none perhaps."""

    @property
    def oplog_window_s(self) -> float | None:
        """Age of the oplog's oldest entry; None while unknown."""


MEASURE_EVERY_S = 60.0
"""How often the files of a log are added up."""


class Report:
    """Counts and logs for one table. Never a document, a key or a rescued path: some of those are data."""

    def __init__(self, table: str, pipeline: str) -> None:
        self.counters = TableCounters(table, pipeline)
        self._log = logger(table=table, pipeline=pipeline)
        self._measured_at: float | None = None

    def opened(self, log: ChangeLog, position: Mapping[str, int]) -> None:
        """The log and the source are open, at the part of the log's position that is ours."""
        self._measure(log)
        self._log.info("table opened", version=log.version(), position=position)

    def stepped(self) -> None:
        """The loop begins something: it lives."""
        self.counters.stepped_at = time.monotonic()

    def moved(self) -> None:
        """Other partitions of the topic are ours now."""
        self.counters.lag_events = {}
        self._log.info("partitions moved")

    def leased_until(self, ends: float | None) -> None:
        """When (monotonic seconds) the lease ends that the table reads with; None: it has none."""
        self.counters.lease_ends_at = None if ends is None else time.time() + ends - time.monotonic()

    def reconnecting(self) -> None:
        """Vault gave other credentials: the table goes on with them from its committed position."""
        self._log.info("credentials changed")

    def polled(self, source: Progressing, position: Mapping[str, int]) -> None:
        """The source was asked for changes."""
        counters = self.counters
        counters.lag_s = source.lag_seconds
        counters.lag_events = dict(source.lag_events)
        counters.oplog_window_s = source.oplog_window_s
        counters.reason = ""
        if not source.is_assigned:
            counters.phase = "joining"
        else:
            counters.phase = "streaming" if position.get("snapshot.done", 1) else "snapshot"

    def took(self, *, batch_s: float, commit_s: float) -> None:
        """How long a batch took from hand to table, and its commit within that."""
        self.counters.batch_s.note(batch_s)
        self.counters.commit_s.note(commit_s)

    def appended(self, log: ChangeLog, batch: Batch, decoded: Decoded) -> None:
        """A batch is committed."""
        rescued, noted = Counter[str](), Counter[str]()
        for (_, reason), count in decoded.rescued.items():
            (rescued if reason in RESCUING else noted)[str(reason)] += count
        counters = self.counters
        counters.rows += len(batch)
        counters.bytes += batch.size_bytes
        counters.commits += 1
        counters.committed_at = time.time()
        self._measure(log)
        counters.rescued += rescued.total()
        self._log.info(
            "batch appended",
            rows=len(batch),
            bytes=batch.size_bytes,
            version=log.version(),
            position=log.position(),
            rescued=rescued.total(),
            rescued_because=rescued,
            noted=noted,
            lag_s=counters.lag_s,
        )

    def rejected(self, count: int) -> None:
        """Records that cannot be decoded were kept as dead letters."""
        self.counters.dead_letters += count
        if count:
            self._log.warning("dead letters kept", records=count)

    def absorbed(self, count: int) -> None:
        """Changes that the source told again were left out."""
        self.counters.absorbed += count
        if count:
            self._log.info("changes absorbed", rows=count)

    def evolved(self, before: Struct, after: Struct) -> None:
        """The log may have more columns than it had, at any depth."""
        if after != before:
            self._log.info("columns added", columns=count_leaves(after), before=count_leaves(before))

    def widened(self, widenings: Mapping[str, ColumnType]) -> None:
        """Columns were given wider types; column names of a struct are part of the table, not data."""
        for path, column in widenings.items():
            self._log.warning("column widened", column=path, type=format_type(column))

    def widening_refused(self, error: OplakeError) -> None:
        """The table keeps its narrower columns; from now on what does not fit them is rescued."""
        self._log.warning("widening refused", code=error.code, what=error.what, help=error.remedy)

    def recorded(self, log: ChangeLog) -> None:
        """A position without rows is committed."""
        self.counters.log_version = log.version()
        self._log.info("position recorded", version=log.version(), position=log.position())

    def folding(self) -> None:
        """A fold begins."""
        self.counters.phase = "folding"

    def folded(self, result: FoldResult) -> None:
        """A fold has ended. One that found nothing is told only when it is the first: an idle table has many."""
        counters = self.counters
        is_worth_a_line = result.rows_read > 0 or counters.folds == 0
        counters.folds += 1
        counters.folded_rows += result.rows_read
        counters.fold_s.note(result.seconds)
        counters.folded_version = result.to_version
        counters.folded_bytes = result.size_bytes
        log = self._log.info if is_worth_a_line else self._log.debug
        log(
            "table folded",
            log_version=result.to_version,
            rows=result.rows_read,
            inserted=result.inserted,
            updated=result.updated,
            deleted=result.deleted,
            seconds=round(result.seconds, 3),
        )

    def connector(self, name: str, *, is_failed: bool | None) -> None:
        """The state of the connector that feeds the table, as Kafka Connect tells it; None: not asked, or not told."""
        before, self.counters.connector_failed = self.counters.connector_failed, is_failed
        if is_failed and not before:
            self._log.warning("connector failed", connector=name, help="nothing new comes to the table meanwhile")
        elif before and is_failed is False:
            self._log.info("connector runs again", connector=name)

    def connector_restarted(self, name: str, why: str) -> None:
        """A failed connector was asked to start again.

        Args:
            why: the type of the exception; its words may quote data.
        """
        self.counters.connector_restarts += 1
        self._log.warning("connector restarted", connector=name, failed_with=why, help="Connect's log has the trace")

    def connector_unknown(self, name: str, error: OplakeError) -> None:
        """Kafka Connect could not be asked how the connector is."""
        self._log.warning("connector not asked", connector=name, what=error.what, where=error.where, help=error.remedy)

    def tidying(self) -> None:
        """Files are put in order, which takes as long as there are many."""
        self.counters.phase = "tidying"

    def kept(self, uri: str, upkeep: Upkeep) -> None:
        """The files of a table were put in order."""
        self._log.info(
            "files kept",
            uri=uri,
            files_added=upkeep.files_added,
            files_removed=upkeep.files_removed,
            files_vacuumed=upkeep.files_vacuumed,
        )

    def upkeep_put_off(self, conflict: OplakeError) -> None:
        """Another writer was in the way; the next time will do."""
        self._log.info("upkeep put off", code=conflict.code, where=conflict.where)

    def retrying(self, error: OplakeError, wait_s: float) -> None:
        """The table opens its log again soon."""
        self.counters.retries += 1
        self.counters.store_errors += is_of_store(error)
        self.counters.phase, self.counters.reason = "waiting", error.code
        self._log.warning("table reopens", code=error.code, what=error.what, where=error.where, wait_s=round(wait_s, 2))

    def ended(self, reason: str) -> None:
        """The table's work is done."""
        self.counters.phase = "done"
        self._log.info("table closed", reason=reason, rows=self.counters.rows, rescued=self.counters.rescued)

    def failed(self, error: OplakeError) -> None:
        """The table has stopped with an error."""
        self.counters.store_errors += is_of_store(error)
        self.counters.phase, self.counters.reason = "failed", error.code

    def _measure(self, log: ChangeLog) -> None:
        self.counters.log_version = log.version()
        now = time.monotonic()
        is_due = self._measured_at is None or now - self._measured_at >= MEASURE_EVERY_S
        if is_due or not self.counters.log_bytes:
            self._measured_at = now
            self.counters.log_bytes = log.size_bytes()
