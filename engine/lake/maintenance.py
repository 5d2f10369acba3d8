"""Upkeep of Delta files: small ones are compacted, rows sorted, and files that no version needs removed.

None of it changes what a table says. A fold that runs meanwhile sees a conflict at most and starts its step again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from engine.lake.delta_errors import committing, reading
from engine.lake.table_types import table_schema

TARGET_FILE_BYTES = 128 << 20
_KEPT = "oplake-upkeep"
_SHORTEST_RETENTION = timedelta(hours=1)
"""Readers and folds hold on to files for as long as they run: nothing younger is ever removed."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was done to one table."""

    files_added: int
    files_removed: int
    files_vacuumed: int


def is_due(uri: str, every: timedelta, now: datetime, storage_options: Mapping[str, str] | None = None) -> bool:
    """Whether a table was last kept so long ago; a table that never was counts from the first time it is asked.

    The time of the last upkeep is a ``txn`` action of the table itself, so every worker on every host agrees.
    """
    with reading(uri):
        table = DeltaTable(uri, storage_options=dict(storage_options or {}))
        kept = table.transaction_version(_KEPT)
    if kept is None:
        _note(table, now)
        return False
    return now.timestamp() - kept >= every.total_seconds()


def _note(table: DeltaTable, now: datetime) -> None:
    kept = Transaction(_KEPT, int(now.timestamp()), int(now.timestamp() * 1000))
    with committing(table.table_uri):
        write_deltalake(
            table,
            table_schema(table).empty_table(),
            mode="append",
            commit_properties=CommitProperties(app_transactions=[kept]),
        )


def maintain(
    uri: str,
    z_order: Sequence[str],
    retain: timedelta,
    now: datetime,
    storage_options: Mapping[str, str] | None = None,
) -> Upkeep:
    """Compact or sort the files of a table, then remove what its versions of the last ``retain`` do not need.

    Raises:
        CommitConflict: another writer was first; try again later.
        LakeError: the table cannot be read.
    """
    with reading(uri):
        table = DeltaTable(uri, storage_options=dict(storage_options or {}))
    with committing(uri):
        optimized = (
            table.optimize.z_order(list(z_order), target_size=TARGET_FILE_BYTES)
            if z_order
            else table.optimize.compact(target_size=TARGET_FILE_BYTES)
        )
    removed = vacuum(table, retain)
    _note(table, now)
    return Upkeep(optimized["numFilesAdded"], optimized["numFilesRemoved"], removed)


def vacuum(table: DeltaTable, retain: timedelta) -> int:
    """Remove files that no version of the last ``retain`` needs; returns how many.

    deltalake 1.6.6 only lists them unless told otherwise (``dry_run``), and keeps orphans of failed writes unless
    asked for all (``full``).
    """
    hours = max(retain, _SHORTEST_RETENTION) // timedelta(hours=1)
    with committing(table.table_uri):
        return len(table.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True))
