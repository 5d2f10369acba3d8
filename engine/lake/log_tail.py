"""The rows of a change log that a fold has not seen yet, in steps that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.decode.system_columns import struct_of
from engine.lake.delta_errors import reading
from engine.lake.fold_limits import FoldLimits
from engine.lake.log_commits import LogCommit, commits_after
from engine.lake.log_events import with_image
from engine.lake.table_types import plain_table, table_schema
from engine.spec.types import Struct

_COMPRESSION_GUESS = 6
"""Arrow bytes for each Parquet byte, until the first step has been measured."""
_CHANGE = "_change_type"
_COMMIT = "_commit_version"


@dataclass(frozen=True, slots=True)
class Step:
    """Rows to fold in one commit, and the log version that is folded after it (None: none yet)."""

    rows: pa.Table
    version: int | None


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

    def steps(self, after: int | None, names: Sequence[str], limits: FoldLimits) -> Iterator[Step]:
        """The rows after version ``after``, or all rows when it is None; the last step names the version.

        Updates whose document was already gone are left out: the delete that follows them says it all.

        Raises:
            LogHistoryGone: commits or files after ``after`` were cleaned up.
        """
        schema = pa.schema([self.schema.field(name) for name in names])
        if after is None:
            return self._all_rows(schema, limits)
        return self._new_rows(commits_after(self.table, after), schema, limits)

    def _all_rows(self, schema: pa.Schema, limits: FoldLimits) -> Iterator[Step]:
        held: list[pa.Table] = []
        with reading(self.table.table_uri):
            for batch in pa.RecordBatchReader.from_stream(self.table.scan(columns=schema.names)):
                held.append(plain_table(pa.Table.from_batches([batch]), schema))
                if _is_full(held, limits):
                    yield Step(with_image(pa.concat_tables(held)), None)
                    held = []
        yield Step(with_image(pa.concat_tables([schema.empty_table(), *held])), self.version)

    def _new_rows(self, commits: list[LogCommit], schema: pa.Schema, limits: FoldLimits) -> Iterator[Step]:
        row_bytes = self._guess_row_bytes()
        while commits:
            count = _fitting(commits, min(limits.max_rows, limits.max_bytes // row_bytes))
            taken, commits = commits[:count], commits[count:]
            rows = self._feed(taken, schema)
            row_bytes = max(row_bytes if not rows.num_rows else 1, rows.nbytes // max(1, rows.num_rows))
            yield Step(with_image(rows), taken[-1].version)

    def _feed(self, commits: list[LogCommit], schema: pa.Schema) -> pa.Table:
        """The rows that these commits added, from the table's change data feed."""
        adding = [commit.version for commit in commits if commit.rows and not commit.is_rewrite]
        if not adding:
            return schema.empty_table()
        uri = self.table.table_uri
        names = [*schema.names, _CHANGE, _COMMIT]
        with reading(uri):
            feed = self.table.load_cdf(adding[0], adding[-1], columns=[f'"{name}"' for name in names])
            rows = pa.RecordBatchReader.from_stream(feed).read_all()
        wanted = pc.and_(
            pc.equal(rows.column(_CHANGE).cast(pa.string()), "insert"),
            pc.is_in(rows.column(_COMMIT), pa.array(adding, pa.uint64())),
        )
        return plain_table(rows, schema).filter(wanted)

    def _guess_row_bytes(self) -> int:
        with reading(self.table.table_uri):
            files = pa.table(self.table.get_add_actions(flatten=True))
        rows = pc.sum(files.column("num_records")).as_py() or 1
        return max(1, _COMPRESSION_GUESS * (pc.sum(files.column("size_bytes")).as_py() or 0) // rows)


def _fitting(commits: list[LogCommit], max_rows: int) -> int:
    """How many of the commits fit in a step; at least one."""
    total = 0
    for count, commit in enumerate(commits):
        total += 0 if commit.is_rewrite else commit.rows
        if count and total > max_rows:
            return count
    return len(commits)


def _is_full(held: list[pa.Table], limits: FoldLimits) -> bool:
    rows, size = (sum(getattr(table, name) for table in held) for name in ("num_rows", "nbytes"))
    return bool(rows >= limits.max_rows or size >= limits.max_bytes)
