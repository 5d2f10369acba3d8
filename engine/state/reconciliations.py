"""Reconciliations: the one of a table that was cut off, what each has found, and how far a table is verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from engine.state.canonical import canonical_json, parse_object
from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.schema import reconciliations


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One that was begun."""

    id: str
    table: str
    mode: str
    settings: Mapping[str, Any]
    """What it was begun with: a resumed one goes on with the same."""
    started_at: str
    finished_at: str | None = None
    exit_code: int | None = None
    verified_until: int | None = None
    """Packed cluster time."""
    result: Mapping[str, Any] | None = None


class Reconciliations:
    """The reconciliations of one target's tables."""

    def __init__(self, database: Database, target: str) -> None:
        self._database = database
        self._target = target

    def begin(self, run: str, table: str, mode: str, settings: Mapping[str, Any]) -> Reconciliation:
        """Note that one is under way."""
        started = now_text()
        row = {"id": run, "target": self._target, "table_name": table, "mode": mode, "started_at": started}
        with self._database.writing() as connection:
            connection.execute(insert(reconciliations).values(**row, settings=canonical_json(dict(settings))))
        return Reconciliation(run, table, mode, dict(settings), started)

    def take_over(self, run: str, settings: Mapping[str, Any]) -> None:
        """Another process goes on with one that was cut off."""
        with self._database.writing() as connection:
            mine = (reconciliations.c.id == run) & (reconciliations.c.target == self._target)
            connection.execute(update(reconciliations).where(mine).values(settings=canonical_json(dict(settings))))

    def finish(self, run: str, result: Mapping[str, Any], exit_code: int, verified_until: int | None) -> None:
        """Keep what it has found."""
        values = {"result": canonical_json(dict(result)), "exit_code": exit_code, "verified_until": verified_until}
        with self._database.writing() as connection:
            mine = (reconciliations.c.id == run) & (reconciliations.c.target == self._target)
            connection.execute(update(reconciliations).where(mine).values(**values, finished_at=now_text()))

    def forget(self, run: str) -> None:
        """Strike out one that nobody goes on with."""
        with self._database.writing() as connection:
            connection.execute(delete(reconciliations).where(reconciliations.c.id == run))

    def unfinished(self, table: str) -> list[Reconciliation]:
        """Those that were begun and have no result, the newest first."""
        return self._read(self._of(table) & reconciliations.c.finished_at.is_(None))

    def finished(self, table: str) -> list[Reconciliation]:
        """Those that ended, the newest first."""
        return self._read(self._of(table) & reconciliations.c.finished_at.is_not(None))

    def latest(self) -> list[Reconciliation]:
        """The last that ended of each table and mode, by table."""
        both = (reconciliations.c.table_name, reconciliations.c.mode)
        ended = func.max(reconciliations.c.finished_at).label("ended")
        mine = (reconciliations.c.target == self._target) & reconciliations.c.finished_at.is_not(None)
        last = select(*both, ended).where(mine).group_by(*both).subquery()
        is_last = (
            (reconciliations.c.table_name == last.c.table_name)
            & (reconciliations.c.mode == last.c.mode)
            & (reconciliations.c.finished_at == last.c.ended)
        )
        query = select(reconciliations).join(last, is_last).where(mine).order_by(*both, reconciliations.c.started_at)
        with self._database.reading() as connection:
            return [_reconciliation(row) for row in connection.execute(query)]

    def all(self, most: int) -> list[Reconciliation]:
        """Those of all tables, the newest first, those under way or cut off too."""
        return self._read(reconciliations.c.target == self._target)[:most]

    def get(self, run: str) -> Reconciliation | None:
        """One by its id."""
        return next(iter(self._read((reconciliations.c.target == self._target) & (reconciliations.c.id == run))), None)

    def verified_until(self, table: str) -> int | None:
        """The packed cluster time up to which the table is verified without a gap."""
        times = [one.verified_until for one in self.finished(table) if one.verified_until is not None]
        return max(times, default=None)

    def _of(self, table: str) -> ColumnElement[bool]:
        return (reconciliations.c.target == self._target) & (reconciliations.c.table_name == table)

    def _read(self, which: ColumnElement[bool]) -> list[Reconciliation]:
        newest_first = (reconciliations.c.started_at.desc(), reconciliations.c.id)
        with self._database.reading() as connection:
            found = connection.execute(select(reconciliations).where(which).order_by(*newest_first))
            return [_reconciliation(row) for row in found]


def _reconciliation(row: Row[Any]) -> Reconciliation:
    return Reconciliation(
        row.id,
        row.table_name,
        row.mode,
        parse_object(row.settings),
        row.started_at,
        row.finished_at,
        row.exit_code,
        row.verified_until,
        None if row.result is None else parse_object(row.result),
    )
