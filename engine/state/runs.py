"""Which processes are writing which tables, so that nobody deletes a table under a run.

A run that ends takes its name off the list. One that was killed is found out (``signs_of_life``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from engine.state.clock import database_seconds, now_text
from engine.state.database import Database
from engine.state.process import Process
from engine.state.schema import runs
from engine.state.signs_of_life import lives


@dataclass(frozen=True, slots=True)
class Writing:
    """One process at work on one table."""

    table: str
    process: Process
    since: str


class Runs:
    """The runs of one target."""

    def __init__(self, database: Database, target: str) -> None:
        self._database = database
        self._target = target

    def enter(self, tables: Sequence[str]) -> None:
        """This process writes these tables from now on."""
        me = Process.this()
        columns = {"target": self._target, "host": me.host, "boot": me.boot, "pid": me.pid, "born": me.born}
        with self._database.writing() as connection:
            told = {"since": now_text(), "seen": database_seconds(connection)}
            rows = [columns | told | {"table_name": name} for name in tables]
            connection.execute(delete(runs).where(self._by(me)))
            connection.execute(insert(runs), rows)

    def still_here(self) -> None:
        """This process lives."""
        with self._database.writing() as connection:
            values = {"seen": database_seconds(connection)}
            connection.execute(update(runs).where(self._by(Process.this())).values(values))

    def leave(self) -> None:
        """This process writes nothing any more."""
        with self._database.writing() as connection:
            connection.execute(delete(runs).where(self._by(Process.this())))

    def writing(self, tables: Collection[str]) -> list[Writing]:
        """Who writes these tables now."""
        query = select(runs).where(runs.c.target == self._target, runs.c.table_name.in_(tables)).order_by(runs.c.since)
        with self._database.reading() as connection:
            now = database_seconds(connection)
            found = [(_read(row), now - row.seen) for row in connection.execute(query)]
        return [one for one, silence_s in found if lives(one.process, silence_s)]

    def _by(self, process: Process) -> ColumnElement[bool]:
        same = (runs.c.host == process.host) & (runs.c.pid == process.pid) & (runs.c.born == process.born)
        return same & (runs.c.target == self._target)


def _read(row: Row[Any]) -> Writing:
    return Writing(row.table_name, Process(row.host, row.boot, row.pid, row.born), row.since)
