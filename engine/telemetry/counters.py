"""What one table's worker has done since it started. Written by its thread, read by whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from engine.telemetry.durations import Durations

Phase: TypeAlias = Literal[
    "starting", "snapshot", "streaming", "folding", "tidying", "waiting", "joining", "done", "failed"
]


@dataclass(slots=True)
class TableCounters:
    """Totals and figures of one process; nothing here decides anything. No lock guards it: each field is one write."""

    table: str
    pipeline: str = ""
    phase: Phase = "starting"
    reason: str = ""
    """Code of the error that the table waits or has failed because of."""
    stepped_at: float | None = None
    """When its loop last began something, monotonic seconds of this machine; None before the first time."""
    rows: int = 0
    """Changes committed to the log."""
    bytes: int = 0
    """Their documents and keys as BSON."""
    commits: int = 0
    committed_at: float | None = None
    """When the last of them was made, Unix seconds."""
    absorbed: int = 0
    """Changes that the source told again, and that were left out."""
    rescued: int = 0
    """Values kept in ``_rescued`` because their column could not hold them."""
    dead_letters: int = 0
    """Records put aside because they could not be decoded."""
    folds: int = 0
    folded_rows: int = 0
    retries: int = 0
    store_errors: int = 0
    """Reads and commits that failed because of the store."""
    batch_s: Durations = field(default_factory=Durations)
    """From a batch in hand to its commit: dead letters, decoding, new columns, the commit."""
    commit_s: Durations = field(default_factory=Durations)
    fold_s: Durations = field(default_factory=Durations)
    lag_s: float | None = None
    """How far behind the source the table is, seconds; None while nobody knows."""
    lag_events: dict[int, int] = field(default_factory=dict)
    """Partition that this process owns -> records in it that were not read yet."""
    log_version: int | None = None
    """Version of the change log."""
    folded_version: int | None = None
    """The log's version that the current or history table holds."""
    log_bytes: int | None = None
    folded_bytes: int | None = None
    """Size of their Parquet files."""
    connector_failed: bool | None = None
    """Whether the connector that feeds it has failed; None while this process does not look after it."""
    connector_restarts: int = 0
    """How often that was started again because it had failed."""
    oplog_window_s: float | None = None
    """Age of the oldest entry of the oplog."""
    lease_ends_at: float | None = None
    """When the first of the leases ends that its connection to MongoDB uses, Unix seconds; None while it uses none."""
