"""A table that is folded from a change log: opened or created, evolved, merged into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.table import TableMerger

from engine.decode.system_columns import struct_of
from engine.errors import LakeError
from engine.lake.commit import APP_PREFIX, append_rows, commit_properties, write_parts
from engine.lake.delta_errors import committing, reading
from engine.lake.fold_limits import FoldLimits
from engine.lake.growth import grow
from engine.lake.observe import files_size
from engine.lake.sorted_texts import SortedTexts
from engine.lake.table_parts import table_parts
from engine.lake.table_types import in_table_order, table_schema, unsliced
from engine.lake.widening import rewrite_as, widest
from engine.spec.types import Struct
from engine.telemetry.crash_points import reach

FOLD = "fold"
"""Partition name of the fold's position: the last log version whose rows the table holds."""
_STEP = "fold-step"
UNFINISHED: Mapping[str, int] = MappingProxyType({_STEP: 0})
"""What a commit in the middle of a step carries: the mark of folds alone."""
_REWRITE_BYTES = 32 << 20
"""Rows of a table that is written anew that are in hand at a time: read, or copied, or on their way."""


class FoldedTable:
    """A current or history table, held open at one version: that is what keeps a second fold out."""

    def __init__(self, table: DeltaTable, shape: Callable[[Struct], pa.Schema]) -> None:
        self.table = table
        self._shape = shape

    @classmethod
    def open_or_create(
        cls,
        uri: str,
        shape: Callable[[Struct], pa.Schema],
        columns: Struct,
        partition_by: Sequence[str] = (),
        storage_options: Mapping[str, str] | None = None,
    ) -> FoldedTable:
        """Open the table; create it, empty, when there is none.

        Args:
            shape: the table's schema for given document columns.
        """
        options = dict(storage_options or {})
        with reading(uri):
            if DeltaTable.is_deltatable(uri, storage_options=options):
                return cls(DeltaTable(uri, storage_options=options), shape)
        with committing(uri):
            table = DeltaTable.create(uri, shape(columns), partition_by=list(partition_by), storage_options=options)
        return cls(table, shape)

    @property
    def uri(self) -> str:
        """Where the table lives."""
        return self.table.table_uri

    @property
    def schema(self) -> pa.Schema:
        """The table's schema in Arrow, in the table's own column order."""
        return table_schema(self.table)

    def size_bytes(self) -> int:
        """Its Parquet files as the held snapshot names them."""
        return files_size(self.table)

    def folded_version(self, log_id: str) -> int | None:
        """The last log version that the table holds; None when nothing has been folded.

        Raises:
            LakeError: what the table holds came from another log.
        """
        version = self.table.transaction_version(APP_PREFIX + FOLD)
        if version is not None and self.table.transaction_version(APP_PREFIX + _source(log_id)) is None:
            raise LakeError(
                "the table was folded from another change log than the one beside it",
                where=self.uri,
                remedy="delete this table; the next fold builds it again from the log",
            )
        return version

    def evolve(self, columns: Struct) -> None:
        """Add the columns the table does not have yet, and widen narrower ones, before any row is merged.

        deltalake 1.6.6's ``merge(merge_schema=True)`` nulls a whole struct of the rows that the source
        does not match when it adds a field inside it.

        Raises:
            LakeError: the table has columns that its log has not.
            CommitConflict: another writer was first.
        """
        own = struct_of(self.schema)
        if own == columns:
            return
        self._check_nobody_added(columns)
        if widest(own, columns) != own:
            rewrite_as(self.table, widest(own, columns))
        grow(self.table, columns)

    def _check_nobody_added(self, columns: Struct) -> None:
        foreign = sorted(set(self.schema.names) - set(self._shape(columns).names))
        if foreign:
            raise LakeError(
                f"somebody has added columns to the table that its change log has not: {', '.join(foreign)}",
                where=self.uri,
                remedy="delete this table; the next fold builds it again from the log",
            )

    def merge(
        self,
        source: pa.Table,
        predicate: str,
        clauses: Callable[[TableMerger], TableMerger],
        position: Mapping[str, int],
        limits: FoldLimits,
    ) -> Mapping[str, int]:
        """MERGE rows (alias ``s``) into the table (alias ``t``) in a commit that carries the position.

        A MERGE that changes nothing writes no commit (deltalake 1.6.6), so its ``txn`` would be lost: then
        a zero-row append carries it.

        Returns:
            deltalake's metrics.

        Raises:
            CommitConflict: another fold or a maintenance commit was first.
        """
        before = self.table.version()
        metrics: Mapping[str, int] = {}
        reach("lake.fold.before_commit")
        if source.num_rows:
            with committing(self.uri):
                merger = self.table.merge(
                    unsliced(source).to_reader(),
                    predicate,
                    source_alias="s",
                    target_alias="t",
                    max_spill_size=limits.max_spill_bytes,
                    commit_properties=commit_properties(position),
                )
                metrics = clauses(merger).execute()
        if self.table.version() == before:
            append_rows(self.table, self.schema.empty_table(), position)
        reach("lake.fold.after_commit")
        return metrics

    def add(self, parts: Iterator[pa.Table], position: Mapping[str, int]) -> None:
        """Append rows that the table cannot hold yet: no row of it is read or written again.

        Raises:
            CommitConflict: another fold was first.
        """
        reach("lake.fold.before_commit")
        write_parts(self.table, self._in_order(parts), self.schema, position)
        reach("lake.fold.after_commit")

    def rewrite(self, removed: pa.ChunkedArray, parts: Iterator[pa.Table], position: Mapping[str, int]) -> None:
        """Write the table anew, in one commit: the rows of all but some documents, then other rows.

        Where most files lose a row, a MERGE writes them all again as well, and takes twice the processor time and
        all of its source in memory.

        Args:
            removed: ``_id`` of the rows to leave out, sorted.
            parts: rows to add.

        Raises:
            CommitConflict: anybody else's commit was first.
        """
        reach("lake.fold.before_commit")
        rows = chain(self._kept(removed), self._in_order(parts))
        write_parts(self.table, rows, self.schema, position, overwrite=True)
        reach("lake.fold.after_commit")

    def _kept(self, removed: pa.ChunkedArray) -> Iterator[pa.Table]:
        lost = SortedTexts(removed)
        for part in table_parts(self.table, self.schema, stride_bytes=_REWRITE_BYTES):
            is_lost = lost.has(part.column("_id"))
            yield part.filter(pc.invert(is_lost)) if pc.any(is_lost).as_py() else part

    def _in_order(self, parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
        return (in_table_order(part, self.schema, self.uri) for part in parts)

    def check_types(self, rows: pa.Table) -> None:
        """Fail when rows do not have exactly the table's columns.

        Raises:
            InternalError: they do not; nothing has been written.
        """
        in_table_order(rows, self.schema, self.uri)


def folded_through(uri: str, log_id: str, storage_options: Mapping[str, str]) -> int | None:
    """The last version of a log that the table at ``uri`` holds; None: none, or there is no table.

    Raises:
        LakeError: the table cannot be read.
    """
    options = dict(storage_options)
    with reading(uri):
        if not DeltaTable.is_deltatable(uri, storage_options=options):
            return None
        table = DeltaTable(uri, storage_options=options)
        if table.transaction_version(APP_PREFIX + _source(log_id)) is None:
            return None
        return table.transaction_version(APP_PREFIX + FOLD)


def fold_position(log_id: str, version: int | None, step: int) -> dict[str, int]:
    """What a step's commit carries: a mark that all commits of folds share, the log's version and which log it is.

    A step in the middle of a rebuild has no version yet. The mark is what keeps a second fold out: one that opened the
    table before this commit cannot append after it what it took for new.
    """
    if version is None:
        return {_STEP: step}
    return {_STEP: step, FOLD: version, _source(log_id): version}


def quoted(name: str) -> str:
    """A column name in the SQL of a MERGE clause."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _source(log_id: str) -> str:
    return f"folded-from:{log_id}"
