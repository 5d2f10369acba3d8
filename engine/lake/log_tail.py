"""The rows of a change log that a fold has not seen yet, in steps that fit in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.decode.system_columns import struct_of
from engine.errors import LakeError
from engine.lake.delta_errors import is_missing_file, reading
from engine.lake.fold_limits import FoldLimits
from engine.lake.log_commits import LogCommit, LogHistoryGone, commits_after
from engine.lake.log_events import with_image
from engine.lake.table_parts import is_full, strides
from engine.lake.table_types import plain_table, table_schema
from engine.spec.types import Struct

_CHANGE = "_change_type"
_COMMIT = "_commit_version"
_RESCUED = "_rescued"
_PART_BYTES = 48 << 20


@dataclass(frozen=True, slots=True)
class Step:
    """Rows to fold in one commit, and the log version that is folded after it (None: none yet)."""

    version: int | None
    schema: pa.Schema
    read: Callable[[pa.Schema], Iterator[pa.Table]]
    """The rows with these columns, part by part; as often as is asked, in any order."""

    @property
    def rows(self) -> pa.Table:
        """All of them, held whole."""
        return pa.concat_tables([self.schema.empty_table(), *self.parts()])

    def parts(self, names: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows with these columns, or all, part by part.

        Updates whose document was already gone are left out: the delete that follows them says it all.
        """
        chosen = self.schema.names if names is None else names
        read = pa.schema([field for field in self.schema if field.name in {*chosen, _RESCUED}])
        for part in self.read(read):
            yield with_image(part).select(chosen)


class LogTail:
    """A change log read at its newest version."""

    def __init__(self, table: DeltaTable) -> None:
        self.table = table
        self.schema = table_schema(table)
        self.version = table.version()

    @classmethod
    def open(cls, uri: str, storage_options: Mapping[str, str]) -> LogTail:
        """Open a snapshot of the log for reading.

        Raises:
            LakeError: there is no such log, or it cannot be read.
        """
        with reading(uri):
            return cls(DeltaTable(uri, storage_options=dict(storage_options)))

    @property
    def id(self) -> str:
        """The log's identity: a log that was dropped and made again has another."""
        return str(self.table.metadata().id)

    @property
    def columns(self) -> Struct:
        """The document columns."""
        return struct_of(self.schema)

    def steps(
        self, after: int | None, names: Sequence[str], limits: FoldLimits, *, by_keys: bool = False
    ) -> Iterator[Step]:
        """The rows after version ``after``, or all rows when it is None; the last step names the version.

        Args:
            names: columns, ``_rescued`` among them.
            by_keys: whoever asks does not hold the rows of a step whole.

        Raises:
            LogHistoryGone: commits or files after ``after`` were cleaned up.
        """
        schema = pa.schema([self.schema.field(name) for name in names])
        if after is None:
            return self._all_rows(schema, limits)
        return self._new_rows(after, schema, limits, by_keys=by_keys)

    def _all_rows(self, schema: pa.Schema, limits: FoldLimits) -> Iterator[Step]:
        held: list[pa.Table] = []
        with reading(self.table.table_uri):
            for batch in pa.RecordBatchReader.from_stream(self.table.scan(columns=schema.names)):
                held.append(plain_table(pa.Table.from_batches([batch]), schema))
                if is_full(held, limits.max_rows, limits.max_bytes):
                    yield _held(held, schema, None)
                    held = []
        yield _held(held, schema, self.version)

    def _new_rows(self, after: int, schema: pa.Schema, limits: FoldLimits, *, by_keys: bool) -> Iterator[Step]:
        max_rows, max_bytes = (limits.max_keys, sys.maxsize) if by_keys else (limits.max_rows, limits.max_bytes)
        commits = commits_after(self.table, after)
        while commits:
            count = _fitting(commits, max_rows, max_bytes)
            taken, commits = commits[:count], commits[count:]
            table = self._before_rewrite(taken, commits, after)
            versions = [commit.version for commit in taken if commit.rows]
            read = partial(_feed, table, versions, after=after)
            after = taken[-1].version
            yield Step(after, schema, read)

    def _before_rewrite(self, taken: list[LogCommit], later: list[LogCommit], after: int) -> DeltaTable:
        """The log as it was before its files were rewritten for other columns; the newest when they were not.

        deltalake reads a change feed with the newest schema, in which older files may not be readable.
        """
        if not any(commit.is_rewrite for commit in later):
            return self.table
        try:
            with reading(self.table.table_uri):
                # deltalake has no public way to ask a table for its options.
                return DeltaTable(self.table.table_uri, taken[-1].version, self.table._storage_options)
        except LakeError as error:
            raise LogHistoryGone.at(self.table.table_uri, after, "versions") from error


def _held(parts: Sequence[pa.Table], schema: pa.Schema, version: int | None) -> Step:
    return Step(version, schema, lambda read: (part.select(read.names) for part in parts))


def _feed(table: DeltaTable, versions: list[int], schema: pa.Schema, *, after: int) -> Iterator[pa.Table]:
    """The rows that these versions added, from the table's change data feed."""
    if not versions:
        return
    names = [*(name for name in schema.names if name in table_schema(table).names), _CHANGE, _COMMIT]
    marks = [pa.field(_CHANGE, pa.string()), pa.field(_COMMIT, pa.uint64())]
    wanted = pa.array(versions, pa.uint64())
    try:
        with reading(table.table_uri):
            feed = table.load_cdf(versions[0], versions[-1], columns=[f'"{name}"' for name in names])
            for rows in strides(pa.RecordBatchReader.from_stream(feed), pa.schema([*schema, *marks]), _PART_BYTES):
                is_insert = pc.equal(rows.column(_CHANGE), "insert")
                found = pc.and_(is_insert, pc.is_in(rows.column(_COMMIT), wanted))
                yield (rows if pc.all(found).as_py() else rows.filter(found)).select(schema.names)
    except LakeError as error:
        if not is_missing_file(error):
            raise
        raise LogHistoryGone.at(table.table_uri, after, "files") from error


def _fitting(commits: list[LogCommit], max_rows: int, max_bytes: int) -> int:
    """How many of the commits fit in a step; at least one.

    A rewrite ends a step: the change data feed would hand on every row it rewrote.
    """
    rows = size = 0
    for count, commit in enumerate(commits):
        rows, size = rows + commit.rows, size + commit.size_bytes
        if count and (rows > max_rows or size > max_bytes or commit.is_rewrite):
            return count
    return len(commits)
