"""Every metric of a table: its name, which stays as it is, what it tells, and where it is read from.

``docs/metrics.md`` is generated from this list. Labels are names from specs and numbers of partitions, nothing else,
so there are as many series as there are tables and partitions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.telemetry.counters import TableCounters
from engine.telemetry.durations import Durations

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Value: TypeAlias = float | Durations | Mapping[int, float] | None
"""One number, a histogram, or a number for each partition; None: not known, so there is no series."""

TABLE_LABELS = ("pipeline", "table")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric of each table."""

    name: str
    kind: Kind
    help: str
    read: Callable[[TableCounters], Value]
    by_partition: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of its labels."""
        return (*TABLE_LABELS, "partition") if self.by_partition else TABLE_LABELS


def _counter(name: str, text: str, read: Callable[[TableCounters], Value]) -> Family:
    return Family(f"oplake_{name}_total", "counter", text, read)


def _gauge(name: str, text: str, read: Callable[[TableCounters], Value]) -> Family:
    return Family(f"oplake_{name}", "gauge", text, read)


def _histogram(name: str, text: str, read: Callable[[TableCounters], Value]) -> Family:
    return Family(f"oplake_{name}_duration_seconds", "histogram", text, read)


FAMILIES: tuple[Family, ...] = (
    _counter("events", "Changes committed to the change log.", lambda one: one.rows),
    _counter("event_bytes", "Their documents and keys, as BSON or extended JSON.", lambda one: one.bytes),
    _counter("commits", "Commits to the change log that hold rows.", lambda one: one.commits),
    _counter("absorbed_events", "Changes told again by the source, and left out.", lambda one: one.absorbed),
    _counter("rescued_values", "Values kept in `_rescued`: their column could not hold them.", lambda one: one.rescued),
    _counter("dead_letters", "Records put aside because they could not be decoded.", lambda one: one.dead_letters),
    _counter("folded_rows", "Rows of the log that folds have read.", lambda one: one.folded_rows),
    _counter("retries", "Times the table opened its log again after an error that may pass.", lambda one: one.retries),
    _counter(
        "store_errors", "Reads and commits that failed because of the store (S3, a disc).", lambda one: one.store_errors
    ),
    _counter(
        "connector_restarts",
        "Times the connector of the pipeline was started again after a failure; Kafka only.",
        lambda one: one.connector_restarts,
    ),
    _histogram("batch", "A batch from its last record to its commit: decoding included.", lambda one: one.batch_s),
    _histogram("commit", "The commit of a batch alone.", lambda one: one.commit_s),
    _histogram("fold", "A fold of the log into the current or history table.", lambda one: one.fold_s),
    _gauge("lag_seconds", "How far what was read is behind the source's clock.", lambda one: one.lag_s),
    Family(
        "oplake_lag_events",
        "gauge",
        "Records of a partition that were not read yet, by the brokers' last answer; Kafka only.",
        lambda one: one.lag_events,
        by_partition=True,
    ),
    _gauge("last_commit_timestamp_seconds", "Unix time of the last commit with rows.", lambda one: one.committed_at),
    _gauge("log_version", "Version of the change log.", lambda one: one.log_version),
    _gauge("folded_log_version", "Version of the log that the last fold has reached.", lambda one: one.folded_version),
    _gauge("log_size_bytes", "Parquet files of the change log.", lambda one: one.log_bytes),
    _gauge("folded_size_bytes", "Parquet files of the current or history table.", lambda one: one.folded_bytes),
    _gauge(
        "oplog_window_seconds", "Age of the oldest oplog entry; change streams only.", lambda one: one.oplog_window_s
    ),
    _gauge(
        "secret_lease_seconds",
        "Time left of the lease from Vault that the table reads MongoDB with; change streams only.",
        lambda one: None if one.lease_ends_at is None else max(0.0, one.lease_ends_at - time.time()),
    ),
    _gauge(
        "connector_failed",
        "1 while Kafka Connect says that the connector of the table's pipeline or its task has failed, else 0.",
        lambda one: one.connector_failed,
    ),
    _gauge("table_failed", "1 when the table has stopped with an error, else 0.", lambda one: one.phase == "failed"),
)
"""In the order of the page."""

BUILD = ("oplake_build_info", "gauge", "Always 1; `version` is oplake's.")
STARTED = ("oplake_start_timestamp_seconds", "gauge", "Unix time at which the run began.")
PROCESSES = ("oplake_worker_processes", "gauge", "Worker processes that live (`--workers`, else 1).")
RESTARTS = ("oplake_worker_restarts_total", "counter", "Worker processes that were started again (`--workers`).")
"""What a run has besides its tables: name, kind, help."""
