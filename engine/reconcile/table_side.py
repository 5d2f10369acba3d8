"""The rows that should equal a collection, at one version of their Delta tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from engine.decode.system_columns import ID, OPERATION, POSITION, RESCUED, current_schema, struct_of
from engine.errors import LakeError
from engine.lake.change_log import ChangeLog
from engine.lake.delta_errors import reading
from engine.lake.fold_limits import FoldLimits
from engine.lake.folded_table import FoldedTable
from engine.lake.layout import TablePaths
from engine.lake.log_events import with_image
from engine.lake.log_tail import LogTail
from engine.lake.matching_rows import matching_parts, matching_rows, text_literal
from engine.lake.row_order import newest_rows
from engine.lake.table_types import plain_table, table_schema
from engine.source.batch import Position
from engine.source.cluster_time import STREAM
from engine.spec.types import Struct

_IS_CURRENT = "_is_current = true"
_PHASE = 16
"""Where the phase stands in a ``_position``."""


class NothingFolded(LakeError):
    """There is a change log, and no folded table that came from it yet."""

    code = "nothing-folded"


class NothingToCount(LakeError):
    """The rows of a change log are changes, not documents."""

    code = "nothing-to-count"


class TableSide:
    """A current table, the current versions of a history, or the newest rows of a change log alone."""

    def __init__(self, table: DeltaTable, log: LogTail, folded: int | None, position: Position, mode: str) -> None:
        self.table = table
        self.position = position
        """How far the log had got: all changes before it are in the log, up to the version it was opened at."""
        self.folded = folded
        """The version of the log that the rows tell; None: of mode ``changes``, where the log is all there is."""
        self._log = log
        self._mode = mode
        self._schema = table_schema(table)
        self.columns: Struct = struct_of(self._schema)

    @classmethod
    def open(cls, paths: TablePaths, mode: str, storage_options: Mapping[str, str]) -> TableSide:
        """Open the tables at their newest versions.

        The folded table comes first and the log's rows last: so the log goes as far as what was folded from it, and
        its rows as far as its position.

        Raises:
            NothingFolded: there are no rows to compare yet.
            LakeError: there is no such table, or it cannot be read.
        """
        uri = paths.changes if mode == "changes" else getattr(paths, mode)
        with reading(uri):
            try:
                table = DeltaTable(uri, storage_options=dict(storage_options))
            except TableNotFoundError:
                table = None
        position = ChangeLog.open(paths.changes, storage_options).position()
        log = LogTail.open(paths.changes, storage_options)
        if mode == "changes":
            return cls(log.table, log, None, position, mode)
        folded = None if table is None else FoldedTable(table, current_schema).folded_version(log.id)
        if table is None or folded is None:
            raise NothingFolded(
                "no change has been folded into the table yet",
                where=uri,
                remedy="`oplake run --until-caught-up` fills it",
            )
        return cls(table, log, folded, position, mode)

    @property
    def version(self) -> int:
        """The Delta version of the rows."""
        return self.table.version()

    def batches(self) -> Iterator[pa.Table]:
        """All rows as they are stored, with their ``_position`` (and in a log their ``_op``); streams.

        Raises:
            LakeError: the table cannot be read.
        """
        schema = self._row_schema()
        with reading(self.table.table_uri):
            scan = self.table.scan(columns=schema.names, predicate=self._predicate)
            for batch in pa.RecordBatchReader.from_stream(scan):
                if batch.num_rows:
                    yield self._with_images(plain_table(pa.Table.from_batches([batch]), schema))

    def ids(self) -> Iterator[pa.ChunkedArray]:
        """The ``_id`` of every row, and of a log of every change; streams."""
        with reading(self.table.table_uri):
            scan = self.table.scan(columns=[ID.name], predicate=self._predicate)
            for batch in pa.RecordBatchReader.from_stream(scan):
                yield pa.Table.from_batches([batch]).column(0).cast(pa.string())

    def count(self) -> int:
        """How many rows there are.

        Raises:
            NothingToCount: of a log, which has many rows of one document.
        """
        if self._mode == "changes":
            raise NothingToCount(
                "a change log has many rows of one document, so their number says nothing",
                where=self.table.table_uri,
                remedy="reconcile it in full, or sampled",
            )
        if self._mode == "history":
            return sum(len(ids) for ids in self.ids())
        with reading(self.table.table_uri):
            return int(self.table.count())

    def changes_since(self, position: str, ids: Set[str]) -> Counter[str]:
        """How many changes of the stream the log has of each of these documents, at or after a ``_position``."""
        wanted, schema = pa.array(sorted(ids), pa.string()), pa.schema([ID, POSITION])
        found = matching_rows(self._log.table, wanted, schema, f"_position >= {text_literal(position)}")
        is_stream = pc.equal(pc.utf8_slice_codeunits(found.column("_position"), _PHASE, _PHASE + 1), STREAM)
        return Counter(found.filter(is_stream).column("_id").to_pylist())

    def touched_since(self, position: str) -> set[str]:
        """The documents with a change at or after a ``_position`` in the log."""
        with reading(self._log.table.table_uri):
            predicate = f"_position >= {text_literal(position)}"
            found = pa.table(self._log.table.scan(columns=[ID.name], predicate=predicate))
        return set(found.column(0).to_pylist())

    def rows(self, ids: pa.Array, most_bytes: int | None = None) -> pa.Table | None:
        """The rows of some documents; of a log the newest of each, none of a document that was deleted.

        Args:
            ids: of the documents.
            most_bytes: None is returned as soon as the rows are more than so much in memory.
        """
        schema, size = self._row_schema(), 0
        parts = [schema.empty_table()]
        for part in matching_parts(self.table, ids, schema, self._predicate):
            parts.append(part)
            size += part.nbytes
            if most_bytes is not None and size > most_bytes:
                return None
        found = self._with_images(pa.concat_tables(parts))
        if self._mode != "changes":
            return found
        newest = newest_rows(found)
        return newest.filter(pc.not_equal(newest.column("_op"), "d"))

    def unfolded(self, ids: pa.Array | None = None) -> set[str]:
        """Those of these documents (None: of all) that the log has changes of which the rows do not tell.

        Raises:
            LogHistoryGone: the commits that would say so were cleaned up.
        """
        if self._mode == "changes":
            return set()
        found: set[str] = set()
        for step in self._log.steps(self.folded, [ID.name, RESCUED.name], FoldLimits()):
            changed = step.rows.column("_id")
            found.update((changed if ids is None else changed.filter(pc.is_in(changed, ids))).to_pylist())
        return found

    @property
    def _predicate(self) -> str | None:
        return _IS_CURRENT if self._mode == "history" else None

    def _row_schema(self) -> pa.Schema:
        system = [ID.name, POSITION.name, RESCUED.name]
        names = [*self.columns.fields, *system, *([OPERATION.name] if self._mode == "changes" else [])]
        return pa.schema([self._schema.field(name) for name in names])

    def _with_images(self, rows: pa.Table) -> pa.Table:
        return with_image(rows) if self._mode == "changes" else rows
