"""How far a table has got and how it stands, from its Delta logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.decode.narrowed import ONLY_WAS
from engine.decode.system_columns import RESCUED, current_schema
from engine.errors import LakeError
from engine.lake.change_log import ChangeLog
from engine.lake.delta_errors import reading
from engine.lake.folded_table import FoldedTable
from engine.lake.log_commits import LogHistoryGone, commits_after
from engine.lake.observe import observe_table
from engine.source.cluster_time import unix_seconds
from engine.source.kafka_position import PartitionPosition, partition_positions
from engine.source.stream_position import StreamPosition

MAX_ROWS_TO_COUNT = 2_000_000
"""Rescued rows are counted by reading one column; in larger tables nobody waits for that."""


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One Delta table. Times are ISO 8601 in UTC; None is "not known" or "does not apply"."""

    uri: str
    exists: bool
    rows: int | None = None
    version: int | None = None
    size_bytes: int | None = None
    files: int | None = None
    last_commit: str | None = None
    position: Mapping[str, int] = field(default_factory=dict)
    """Of a change log: source partition -> next thing to read."""
    position_text: str | None = None
    folded_version: int | None = None
    """Of a folded table: the last version of the log that it holds."""
    unfolded_rows: int | None = None
    """Of a folded table: rows of the log that the next fold will read; None when the commits that tell are gone."""
    rescued_rows: int | None = None
    problem: str | None = None
    """Why the table cannot be read."""


def log_status(uri: str, storage_options: Mapping[str, str]) -> TableStatus:
    """The status of a change log; never raises for a table that cannot be read."""
    try:
        status, _ = _status(uri, storage_options)
        if not status.exists:
            return status
        position = ChangeLog.open(uri, storage_options).position()
    except LakeError as error:
        return TableStatus(uri, exists=True, problem=error.what)
    return replace(status, position=position, position_text=position_text(position))


def folded_status(uri: str, log_uri: str, storage_options: Mapping[str, str]) -> TableStatus:
    """The status of a current or history table; never raises for a table that cannot be read."""
    try:
        status, table = _status(uri, storage_options)
        log = observe_table(log_uri, storage_options)
        if table is None or log is None:
            return status
        # The shape only matters to those who write.
        folded = FoldedTable(table, current_schema).folded_version(log.id)
        unfolded = _unfolded(log_uri, storage_options, folded, log.num_rows)
        rescued = _rescued(table, status.rows or 0)
    except LakeError as error:
        return TableStatus(uri, exists=True, problem=error.what)
    return replace(status, folded_version=folded, unfolded_rows=unfolded, rescued_rows=rescued)


def position_text(position: Mapping[str, int]) -> str:
    """A position as people read it."""
    partitions = partition_positions(position)
    if partitions:
        return _partitions_text(partitions)
    at = StreamPosition.of(position)
    if at.snapshot_time is None and at.stream_time is None:
        return "not started"
    if not at.snapshot_done:
        return f"snapshot, {at.snapshot_rows:,} documents so far"
    packed = at.stream_time if at.stream_time is not None else at.snapshot_time
    assert packed is not None  # noqa: S101  one of the two is there
    return _time_text(packed)


def position_age_s(position: Mapping[str, int], now_s: float) -> float | None:
    """Seconds between the newest source time that the position tells and now (Unix time); None before there is one.

    An upper bound of the lag: a source in which nothing happens moves the position only now and then.
    """
    times = [place.time for place in partition_positions(position).values() if place.time is not None]
    at = StreamPosition.of(position)
    times += [time for time in (at.stream_time or at.snapshot_time,) if time is not None]
    return max(0.0, now_s - unix_seconds(max(times))) if times else None


def _partitions_text(partitions: Mapping[int, PartitionPosition]) -> str:
    records = sum(place.offset or 0 for place in partitions.values())
    read = f"{records:,} offsets in {len(partitions)} partition{'s' if len(partitions) > 1 else ''}"
    times = [place.time for place in partitions.values() if place.time is not None]
    return f"{_time_text(max(times))}, {read}" if times else read


def _time_text(packed: int) -> str:
    return datetime.fromtimestamp(unix_seconds(packed), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _status(uri: str, storage_options: Mapping[str, str]) -> tuple[TableStatus, DeltaTable | None]:
    observed = observe_table(uri, storage_options)
    if observed is None:
        return TableStatus(uri, exists=False), None
    with reading(uri):
        table = DeltaTable(uri, storage_options=dict(storage_options))
        newest = table.history(1)
    milliseconds = newest[0].get("timestamp") if newest else None
    status = TableStatus(
        uri,
        exists=True,
        rows=observed.num_rows,
        version=observed.version,
        size_bytes=observed.size_bytes,
        files=observed.num_files,
        last_commit=_iso(milliseconds) if isinstance(milliseconds, int) else None,
    )
    return status, table


def _unfolded(log_uri: str, storage_options: Mapping[str, str], folded: int | None, log_rows: int) -> int | None:
    """Rows, not versions: a position alone, an upkeep or new columns are commits of the log with nothing to fold."""
    if folded is None:
        return log_rows
    with reading(log_uri):
        log = DeltaTable(log_uri, storage_options=dict(storage_options))
    try:
        return sum(commit.rows for commit in commits_after(log, folded))
    except LogHistoryGone:
        return None


def _rescued(table: DeltaTable, rows: int) -> int | None:
    if rows > MAX_ROWS_TO_COUNT:
        return None
    with reading(table.table_uri):
        found = pa.table(table.scan(columns=[RESCUED.name], predicate=f"{RESCUED.name} IS NOT NULL"))
    only_widened = pc.match_substring_regex(found.column(RESCUED.name).cast(pa.string()), ONLY_WAS)
    return int(found.num_rows) - int(pc.sum(only_widened).as_py() or 0)


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
