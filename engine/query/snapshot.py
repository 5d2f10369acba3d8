"""One table held still: which version of its log, and which version of what was folded from it.

The log is the truth and its version is the table's version. ``--as-of 42`` is the state after commit 42 of
the log; ``--as-of TIME`` is the log and the folded table as they stood at that time. In both the folded
table is taken at a version that has read no further than the log does, so that folded rows and the rest of
the log add up to exactly the state at the log's version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from engine.decode.system_columns import current_schema, history_schema
from engine.errors import QueryError
from engine.lake.delta_errors import reading
from engine.lake.folded_table import FoldedTable
from engine.lake.layout import TablePaths
from engine.lake.log_tail import LogTail
from engine.query.as_of import AsOf
from engine.query.commit_times import CommitTimes, first_where

FoldedMode = Literal["current", "history"]


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded table at one version; ``through`` is the last log version it holds."""

    mode: FoldedMode
    uri: str
    version: int
    through: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table's log at one version, and the folded table that goes with it, if any."""

    name: str
    log: LogTail
    folded: Folded | None


class Snapshots:
    """Takes snapshots of the tables of one lake, all as of the same moment."""

    def __init__(self, lake_uri: str, storage_options: Mapping[str, str], as_of: AsOf) -> None:
        self._lake_uri = lake_uri
        self._options = dict(storage_options)
        self._as_of = as_of

    def take(self, name: str, modes: tuple[FoldedMode, ...] = ("history", "current")) -> Snapshot | None:
        """The snapshot of a table; None when the lake has no such table.

        Args:
            modes: where folded rows may be, the likeliest first.

        Raises:
            QueryError: the table has no such version, or did not exist at that time.
            LakeError: it cannot be read.
        """
        paths = TablePaths(self._lake_uri, name)
        # The folded table first: a log opened later goes at least as far as what was folded from it.
        folded = self._open_first(paths, modes)
        log = self._open(paths.changes)
        if log is None:
            return None
        if self._as_of.is_now:
            tail = LogTail(log)
            return Snapshot(name, tail, self._newest(folded, tail))
        tail = LogTail(self._log_then(name, log))
        return Snapshot(name, tail, self._then(folded, tail))

    def _open_first(self, paths: TablePaths, modes: tuple[FoldedMode, ...]) -> tuple[FoldedMode, DeltaTable] | None:
        for mode in modes:
            table = self._open(getattr(paths, mode))
            if table is not None:
                return mode, table
        return None

    def _open(self, uri: str, version: int | None = None) -> DeltaTable | None:
        with reading(uri):
            try:
                return DeltaTable(uri, version=version, storage_options=self._options)
            except TableNotFoundError:
                return None

    def _log_then(self, name: str, newest: DeltaTable) -> DeltaTable:
        times = CommitTimes(newest)
        version = self._as_of.version
        if self._as_of.time is not None:
            version = times.last_until(self._as_of.time)
        if version is None or not times.oldest <= version <= times.newest:
            raise QueryError(
                f"there is no {name} as of {version if version is not None else self._as_of.time}",
                where="--as-of",
                remedy=f"versions {times.oldest} to {times.newest} can be read, "
                f"committed {times.at(times.oldest):%Y-%m-%dT%H:%M:%S.%f%z} "
                f"to {times.at(times.newest):%Y-%m-%dT%H:%M:%S.%f%z}",
            )
        return self._must_open(newest.table_uri, version)

    def _newest(self, found: tuple[FoldedMode, DeltaTable] | None, log: LogTail) -> Folded | None:
        if found is None:
            return None
        mode, table = found
        through = _through(mode, table, log.id)
        if through is None or through > log.version:
            return None
        return Folded(mode, table.table_uri, table.version(), through)

    def _then(self, found: tuple[FoldedMode, DeltaTable] | None, log: LogTail) -> Folded | None:
        """The folded table as it stood then.

        For a version, the commit that brought it that far is taken and none after it: a later one may be a
        step of a rebuild, which reads further than the version it started from.
        """
        if found is None:
            return None
        mode, newest = found
        times = CommitTimes(newest)
        last: int | None = times.newest
        if self._as_of.time is not None:
            last = times.last_until(self._as_of.time)
        if last is None:
            return None

        def through(version: int) -> int:
            at = _through(mode, self._must_open(newest.table_uri, version), log.id)
            return -1 if at is None else at

        reached = through(last)
        if self._as_of.time is None or reached > log.version:
            last = first_where(times.oldest, last + 1, lambda version: through(version) > log.version) - 1
            if last < times.oldest:
                return None
            reached = through(last)
            last = first_where(times.oldest, last, lambda version: through(version) >= reached)
        return Folded(mode, newest.table_uri, last, reached) if reached >= 0 else None

    def _must_open(self, uri: str, version: int) -> DeltaTable:
        with reading(uri):
            return DeltaTable(uri, version=version, storage_options=self._options)


def _through(mode: FoldedMode, table: DeltaTable, log_id: str) -> int | None:
    shape = current_schema if mode == "current" else history_schema
    return FoldedTable(table, shape).folded_version(log_id)
