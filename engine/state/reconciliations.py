"""Reconciliations: the one of a table that was cut off, what each has found, and how far a table is verified."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from engine.state.canonical import canonical_json, parse_object
from engine.state.clock import database_seconds, now_text
from engine.state.database import Database
from engine.state.process import Process
from engine.state.schema import reconciliations
from engine.state.signs_of_life import lives
from engine.state.tenure import Tenure


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
    tenure: int = 1
    """Counts the processes that have had it in hand."""
    silence_s: int = 0
    """Since its process was last heard of."""

    @property
    def process(self) -> Process:
        """Which has it in hand."""
        return Process(**self.settings["process"])

    @property
    def standing(self) -> str:
        """Of one without a result: whether it is at work, and what to do when it is not."""
        if self.is_under_way:
            return f"under way: {self.whereabouts}"
        return f"cut off: {self.whereabouts}; `oplake reconcile --resume`, or --due, goes on with it"

    @property
    def hold(self) -> Tenure:
        """That of its process."""
        return Tenure(self.id, self.tenure)

    @property
    def whereabouts(self) -> str:
        """Its process, and when that was last heard of."""
        who = self.process
        return f"process {who.pid} on host {who.host}, last heard of {self.silence_s:,} s ago"

    @property
    def is_under_way(self) -> bool:
        """Whether it has no result, and its process may be at work."""
        return self.finished_at is None and lives(self.process, self.silence_s)


class Reconciliations:
    """The reconciliations of one target's tables."""

    def __init__(self, database: Database, target: str) -> None:
        self._database = database
        self._target = target

    def begin(self, run: str, table: str, mode: str, settings: Mapping[str, Any]) -> Reconciliation:
        """Note that this process has one under way.

        Args:
            settings: what it is begun with.
        """
        begun = Reconciliation(run, table, mode, _with_process(settings), now_text())
        with self._database.writing() as connection:
            connection.execute(insert(reconciliations).values(**self._row(begun), seen=database_seconds(connection)))
        return begun

    def take_over(self, one: Reconciliation) -> Reconciliation | None:
        """This process goes on with one that was cut off; None when another was quicker."""
        taken = replace(one, settings=_with_process(one.settings), tenure=one.tenure + 1, silence_s=0)
        values = {"settings": canonical_json(dict(taken.settings)), "tenure": taken.tenure}
        with self._database.writing() as connection:
            values["seen"] = database_seconds(connection)
            found = connection.execute(update(reconciliations).where(one.hold.is_held).values(values))
            return taken if found.rowcount else None

    def renew(self, hold: Tenure) -> None:
        """Say that its process lives.

        Raises:
            PassTaken: it is another's by now.
        """
        with self._database.writing() as connection:
            hold.renew(connection)

    def finish(self, hold: Tenure, result: Mapping[str, Any], exit_code: int, verified_until: int | None) -> None:
        """Keep what it has found.

        Raises:
            PassTaken: it is another's by now.
        """
        values = {"result": canonical_json(dict(result)), "exit_code": exit_code, "verified_until": verified_until}
        with self._database.writing() as connection:
            hold.renew(connection)
            connection.execute(update(reconciliations).where(hold.is_held).values(**values, finished_at=now_text()))

    def keep(self, result: Mapping[str, Any], exit_code: int, verified_until: int | None) -> None:
        """Keep what one has found that nobody could have gone on with.

        Args:
            result: says ``run``, ``table``, ``mode`` and ``started_at``.
        """
        names = (result["run"], result["table"], result["mode"])
        row = self._row(Reconciliation(*names, _with_process({}), result["started_at"]))
        values = {"result": canonical_json(dict(result)), "exit_code": exit_code, "verified_until": verified_until}
        with self._database.writing() as connection:
            seen = database_seconds(connection)
            connection.execute(insert(reconciliations).values(**row, **values, finished_at=now_text(), seen=seen))

    def give_up(self, hold: Tenure) -> bool:
        """Strike out one that nobody goes on with; False when another process has it in hand by now."""
        with self._database.writing() as connection:
            return bool(connection.execute(delete(reconciliations).where(hold.is_held)).rowcount)

    def unfinished(self, table: str | None = None) -> list[Reconciliation]:
        """Those of a table, or of all, that were begun and have no result, the newest first."""
        which = reconciliations.c.target == self._target if table is None else self._of(table)
        return self._read(which & reconciliations.c.finished_at.is_(None))

    def finished(self, table: str) -> list[Reconciliation]:
        """Those that ended, the newest first."""
        return self._read(self._of(table) & reconciliations.c.finished_at.is_not(None))

    def finished_among(self, table: str, runs: Collection[str]) -> list[str]:
        """Those of these ids that are passes of the table and have a result."""
        which = self._of(table) & reconciliations.c.finished_at.is_not(None)
        with self._database.reading() as connection:
            return sorted(
                set(runs).intersection(connection.execute(select(reconciliations.c.id).where(which)).scalars())
            )

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
            now = database_seconds(connection)
            return [_reconciliation(row, now) for row in connection.execute(query)]

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

    def _row(self, one: Reconciliation) -> dict[str, Any]:
        plain = {"id": one.id, "target": self._target, "table_name": one.table, "mode": one.mode}
        settings = canonical_json(dict(one.settings))
        return {**plain, "settings": settings, "started_at": one.started_at, "tenure": one.tenure}

    def _of(self, table: str) -> ColumnElement[bool]:
        return (reconciliations.c.target == self._target) & (reconciliations.c.table_name == table)

    def _read(self, which: ColumnElement[bool]) -> list[Reconciliation]:
        newest_first = (reconciliations.c.started_at.desc(), reconciliations.c.id)
        with self._database.reading() as connection:
            now = database_seconds(connection)
            found = connection.execute(select(reconciliations).where(which).order_by(*newest_first))
            return [_reconciliation(row, now) for row in found]


def _with_process(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**settings, "process": asdict(Process.this())}


def _reconciliation(row: Row[Any], now: int) -> Reconciliation:
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
        row.tenure,
        now - row.seen,
    )
