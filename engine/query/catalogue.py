"""Which tables a query may name, and the views made for those it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from engine.errors import QueryError
from engine.query import views
from engine.query.snapshot import FoldedMode, Snapshot, Snapshots
from engine.query.sql_text import identifier
from engine.query.tail import load_tail

_EITHER: tuple[FoldedMode, ...] = ("history", "current")


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake: where it is, how to reach it, and what the specs say of its tables."""

    uri: str
    storage_options: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
    """Table -> ``current``, ``history`` or ``changes``; tables of the lake that no spec names may be missing."""

    def tables(self) -> list[str]:
        """Every table that the specs or the lake's folder know; the lake alone decides which can be read."""
        found = set(self.modes)
        if "://" not in self.uri:
            found |= {path.parent.parent.name for path in Path(self.uri).glob("*/changes/_delta_log")}
        return sorted(found)

    def folded_modes(self, table: str) -> tuple[FoldedMode, ...]:
        """Where the table's folded rows may be."""
        match self.modes.get(table):
            case "current":
                return ("current",)
            case "history":
                return ("history",)
            case "changes":
                return ()
        return _EITHER


class Catalogue:
    """Makes the views that a statement mentions, in a connection that is not locked down yet."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: Lake, snapshots: Snapshots) -> None:
        self._connection = connection
        self._lake = lake
        self._snapshots = snapshots
        self._taken: dict[str, Snapshot | None] = {}
        self._made: set[str] = set()

    def names(self) -> list[str]:
        """Every view there could be."""
        return [table + suffix for table in self._lake.tables() for suffix in views.SUFFIXES]

    def tables_among(self, mentioned: Iterable[str]) -> set[str]:
        """The known tables that the names are views of."""
        known = set(self._lake.tables())
        return {_split(name.lower(), known)[0] for name in mentioned} & known

    def make(self, mentioned: Iterable[str]) -> None:
        """Make the views among the names; names that are none (CTEs, say) are passed over.

        Raises:
            QueryError: a table of the specs is not in the lake yet, or has no such view.
        """
        wanted: dict[str, set[str]] = {}
        known = set(self._lake.tables())
        for name in mentioned:
            table, suffix = _split(name.lower(), known)
            wanted.setdefault(table, set()).add(suffix)
        for table, suffixes in wanted.items():
            snapshot = self._snapshot(table)
            if snapshot is not None:
                self._make(snapshot, suffixes, is_empty=False)
            elif table in known:
                raise QueryError(
                    f"the table {table!r} is not in the lake yet",
                    where=self._lake.uri,
                    remedy="`oplake apply` makes it, `oplake run` fills it",
                )

    def make_the_rest(self) -> None:
        """Make every other view for its columns' sake, without reading rows: SHOW TABLES and the like."""
        for table in self._lake.tables():
            snapshot = self._snapshot(table)
            if snapshot is not None:
                rest = {suffix for suffix in views.SUFFIXES if table + suffix not in self._made}
                self._make(snapshot, rest, is_empty=True)

    def _snapshot(self, table: str) -> Snapshot | None:
        """One snapshot a table, so that all its views show the same moment."""
        if table not in self._taken:
            self._taken[table] = self._snapshots.take(table, self._lake.folded_modes(table))
        return self._taken[table]

    def _make(self, snapshot: Snapshot, suffixes: set[str], *, is_empty: bool) -> None:
        for suffix in sorted(suffixes):
            sql = self._sql(snapshot, suffix, is_empty=is_empty)
            if sql is not None:
                self._connection.execute(f"CREATE VIEW {identifier(snapshot.name + suffix)} AS {sql}")
                self._made.add(snapshot.name + suffix)
            elif not is_empty:
                raise QueryError(
                    f"nothing has been folded for {snapshot.name}{suffix}",
                    remedy=f"query {snapshot.name}, which shows the same rows straight from the log",
                )

    def _sql(self, snapshot: Snapshot, suffix: str, *, is_empty: bool) -> str | None:
        match suffix:
            case views.CURRENT:
                return views.current(snapshot)
            case views.CHANGES:
                return views.changes(snapshot)
            case views.HISTORY:
                return views.history(snapshot)
        has_tail = views.needs_tail(snapshot) and load_tail(
            self._connection, snapshot, views.tail_columns(snapshot), is_empty=is_empty
        )
        return views.live(snapshot, has_tail=has_tail)


def _split(name: str, tables: set[str]) -> tuple[str, str]:
    """A view's name as its table and suffix; a table whose own name ends like a suffix comes first."""
    if name in tables:
        return name, views.LIVE
    for suffix in views.SUFFIXES:
        if suffix and name.endswith(suffix):
            return name.removesuffix(suffix), suffix
    return name, views.LIVE
