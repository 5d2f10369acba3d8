"""Small lakes with real change logs and folds, and queries over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.lake.fold_limits import FoldLimits
from engine.query.as_of import NOW, AsOf
from engine.query.catalogue import Lake
from engine.query.limits import Limits
from engine.query.run import Query, _prepared, explain_query, run_query
from engine.spec.types import Struct
from tests.lake.changes import COLUMNS, Change, rows


class SmallLake:
    """A lake in a folder, with tables that tests append to and fold."""

    def __init__(self, root: Path) -> None:
        self.root = root / "lake"
        self.temp = root / "tmp"
        self.lake = Lake(str(self.root))
        self._logs: dict[str, ChangeLog] = {}

    def log(
        self, table: str = "orders", columns: Struct = COLUMNS, partition_by: Sequence[str] = ("_ingestion_date",)
    ) -> ChangeLog:
        if table not in self._logs:
            uri = self.path(table, "changes")
            self._logs[table] = ChangeLog.create(uri, columns, partition_by, position={"p": 0})
        return self._logs[table]

    def append(
        self, changes: Iterable[Change], table: str = "orders", partition_by: Sequence[str] = ("_ingestion_date",)
    ) -> int:
        """Append the changes in one commit and return its version."""
        log, batch = self.log(table, partition_by=partition_by), list(changes)
        return log.append(rows(batch, log.columns()), {"p": log.position()["p"] + len(batch)})

    def fold(self, table: str = "orders", limits: FoldLimits | None = None, *, rebuild: bool = False) -> None:
        fold_current(self.log(table), self.path(table, "current"), limits=limits, rebuild=rebuild)

    def fold_history(self, table: str = "orders", limits: FoldLimits | None = None, *, rebuild: bool = False) -> None:
        fold_history(self.log(table), self.path(table, "history"), limits=limits, rebuild=rebuild)

    def path(self, table: str, kind: str) -> str:
        return str(self.root / table / kind)

    def query(self, sql: str, as_of: AsOf = NOW, **options: Any) -> Query:  # noqa: ANN401
        limits = Limits(**options) if options else Limits()
        return Query(sql, self.lake, self.temp, as_of, limits)

    def rows(self, sql: str, as_of: AsOf = NOW, **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        with run_query(self.query(sql, as_of, **options)) as found:
            return [row for batch in found.batches for row in batch.to_pylist()]

    def all_rows(self, statements: Iterable[str], as_of: AsOf = NOW) -> list[list[dict[str, Any]]]:
        """The rows of many statements about orders, its live, changes and history views, in one session."""
        mention = "select 1 from orders, orders__changes, orders__history"
        with _prepared(self.query(mention, as_of)) as (connection, _):
            return [connection.execute(sql).to_arrow_table().to_pylist() for sql in statements]

    def explain(self, sql: str) -> str:
        return explain_query(self.query(sql))

    def explain_run(self, sql: str) -> str:
        """The plan with what each part of it read."""
        with _prepared(self.query(sql)) as (connection, _):
            return "\n".join(str(row[1]) for row in connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall())
