"""The change log of one table: typed changes, appended in the commit that also says how far they reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import pyarrow as pa
from deltalake import DeltaTable

from engine.decode.system_columns import log_schema, struct_of
from engine.errors import CommitConflict, LakeError
from engine.lake.commit import APP_PREFIX, append_rows, commit_properties
from engine.lake.delta_errors import committing, is_missing_file, reading
from engine.lake.growth import grow, grown
from engine.lake.known_orders import known_orders
from engine.lake.observe import files_size
from engine.lake.standing import Standing
from engine.lake.table_types import in_table_order, table_schema
from engine.lake.transactions import application_ids
from engine.lake.widening import rewrite_as, widened
from engine.source.batch import Position
from engine.spec.types import ColumnType, Struct
from engine.telemetry.crash_points import reach

LOG_PROPERTIES: Mapping[str, str] = {
    "delta.enableChangeDataFeed": "true",
    "delta.dataSkippingStatsColumns": "_id,_op,_source_ts,_position,_ingested_at",
}
"""Properties of every change log: folds read its change feed, and find late rows by file statistics."""


class ChangeLog:
    """A change log held open at one version.

    The held snapshot is what fences: when another worker has committed for the same source partition
    since, an append raises ``CommitConflict`` and the caller opens the log again. When another table has taken
    the log's place, or none, whatever would write raises ``TableReplaced``.
    """

    def __init__(self, table: DeltaTable, storage_options: Mapping[str, str], position: Position) -> None:
        self._table = table
        self._position = dict(position)
        self._schema = table_schema(table)
        self._standing = Standing(table, storage_options)
        self.storage_options = dict(storage_options)

    @classmethod
    def create(
        cls,
        uri: str,
        columns: Struct,
        partition_by: Sequence[str] = ("_ingestion_date",),
        storage_options: Mapping[str, str] | None = None,
        position: Position | None = None,
    ) -> ChangeLog:
        """Create an empty log that stands at ``position``.

        Raises:
            LakeError: there is a table already, or the store refuses.
        """
        options = dict(storage_options or {})
        if _exists(uri, options):
            raise LakeError("there is a Delta table already", where=uri, remedy="open it, or choose another name")
        with committing(uri):
            table = DeltaTable.create(
                uri,
                log_schema(columns),
                partition_by=list(partition_by),
                configuration=LOG_PROPERTIES,
                storage_options=options,
                commit_properties=commit_properties(position or {}),
            )
        return cls(table, options, position or {})

    @classmethod
    def open(cls, uri: str, storage_options: Mapping[str, str] | None = None) -> ChangeLog:
        """Open the log at its newest version.

        Raises:
            LakeError: there is no such table, or it cannot be read.
        """
        options = dict(storage_options or {})
        with reading(uri):
            table = DeltaTable(uri, storage_options=options)
            names = application_ids(table)
            position = {
                name.removeprefix(APP_PREFIX): version
                for name in sorted(names)
                if name.startswith(APP_PREFIX) and (version := table.transaction_version(name)) is not None
            }
        return cls(table, options, position)

    @property
    def uri(self) -> str:
        """Where the log lives."""
        return self._table.table_uri

    @property
    def id(self) -> str:
        """The log's identity: one that was dropped and made again has another."""
        return str(self._table.metadata().id)

    def position(self) -> dict[str, int]:
        """Source partition -> the next thing to read from it, as committed."""
        return dict(self._position)

    def version(self) -> int:
        """The Delta version this log stands at."""
        return self._table.version()

    def size_bytes(self) -> int:
        """The Parquet files that this version names."""
        with reading(self.uri):
            return files_size(self._table)

    def columns(self) -> Struct:
        """The document columns."""
        return struct_of(self._schema)

    def check_standing(self) -> None:
        """Fail when another table, or none, has taken the log's place.

        Raises:
            TableReplaced: it has.
        """
        self._standing.check()

    def evolve(self, columns: Struct) -> None:
        """Add the columns, at any depth, that the log does not have yet.

        No row is touched, except when a field is new inside the values of a map: then the log is rewritten.

        Raises:
            CommitConflict: another writer was first.
            InternalError: a column is asked for with another type than it has.
        """
        if grown(self.columns(), columns) == self.columns():
            return
        self._standing.check()
        grow(self._table, columns)
        self._changed()

    def widen(self, widenings: Mapping[str, ColumnType]) -> None:
        """Give columns wider types by rewriting the log in one commit; fold it first, or its table is built anew.

        Args:
            widenings: column path (field names joined by dots) -> wider type.

        Raises:
            WideningRefused: a value would become another number; nothing was written.
            CommitConflict: another writer was first.
        """
        columns = self.columns()
        wanted = widened(columns, widenings)
        if wanted != columns:
            self._standing.check()
            rewrite_as(self._table, wanted)
            self._changed()

    def append(self, rows: pa.Table, position: Position) -> int:
        """Append rows that have exactly the log's columns, and the position after them, in one commit.

        Returns:
            The version that holds the rows.

        Raises:
            CommitConflict: another worker moved one of these partitions, or the commit's fate is unknown;
                open the log again and compare its position.
            InternalError: a column's type is not the log's; nothing has been written.
        """
        ordered = in_table_order(rows, self._schema, self.uri)
        self._standing.check()
        moved = self._moved(position)
        reach("lake.append.before_commit")
        append_rows(self._table, ordered, moved)
        self._standing.note()
        self._position.update(moved)
        reach("lake.append.after_commit")
        return self.version()

    def record_position(self, position: Position) -> int:
        """Commit a position alone: a zero-row append that carries it."""
        return self.append(self._schema.empty_table(), position)

    def key_at(self, order: str) -> Mapping[str, str | None] | None:
        """``_id`` and ``_rescued`` of the row whose ``_position`` is ``order``; None when there is none."""
        quoted = order.replace("'", "''")
        with reading(self.uri):
            found = pa.table(self._table.scan(columns=["_id", "_rescued"], predicate=f"_position = '{quoted}'"))
        return next(iter(found.to_pylist()), None)

    def known_orders(self, orders: Set[str]) -> frozenset[str]:
        """Those of these ``_position`` texts that have a row.

        Raises:
            LakeError: the log cannot be read.
        """
        return known_orders(self._table, orders)

    def _changed(self) -> None:
        """The table has other columns since the last commit."""
        self._schema = table_schema(self._table)
        self._standing.note()

    def _moved(self, position: Position) -> dict[str, int]:
        """The position to commit; fails when another worker has changed a part of it.

        All parts of a source's position are written together, changed or not: two workers that each moved
        another part would not be in each other's way.
        """
        is_same = all(self._position.get(name) == value for name, value in position.items())
        moved = {} if is_same else dict(position)
        for name in moved:
            committed = self._committed(name)
            if committed != self._position.get(name):
                raise CommitConflict(
                    f"another worker has moved {name!r} from {self._position.get(name)} to {committed}",
                    where=self.uri,
                    remedy="open the log again and go on from its committed position",
                )
        return moved

    def _committed(self, name: str) -> int | None:
        """What the held snapshot says of one part; fails when the commits it would read were cleaned up since."""
        try:
            with reading(self.uri):
                version: int | None = self._table.transaction_version(APP_PREFIX + name)
                return version
        except LakeError as error:
            if not is_missing_file(error):
                raise
            raise CommitConflict(
                "the commits that the log was opened with were cleaned up since",
                where=self.uri,
                remedy="open the log again and go on from its committed position",
            ) from error


def _exists(uri: str, storage_options: dict[str, str]) -> bool:
    with reading(uri):
        return DeltaTable.is_deltatable(uri, storage_options=storage_options)
