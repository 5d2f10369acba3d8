"""Which processes are writing which tables, so that nobody deletes a table under a run.

A run that ends takes its name off the list. One that was killed is known to be dead on its own host; on another
it counts as gone when it has not been heard of for ``SILENCE_S``.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.process import Process
from engine.state.schema import runs

HEARD_EVERY_S = 20
"""How often a run says that it lives."""
SILENCE_S = 120
"""Far more than ``HEARD_EVERY_S``, for the clocks of two hosts may differ and a store may be slow."""


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
        rows = [columns | {"table_name": name, "since": now_text(), "seen": int(time.time())} for name in tables]
        with self._database.writing() as connection:
            connection.execute(delete(runs).where(self._by(me)))
            connection.execute(insert(runs), rows)

    def still_here(self) -> None:
        """This process lives."""
        with self._database.writing() as connection:
            connection.execute(update(runs).where(self._by(Process.this())).values(seen=int(time.time())))

    def leave(self) -> None:
        """This process writes nothing any more."""
        with self._database.writing() as connection:
            connection.execute(delete(runs).where(self._by(Process.this())))

    def writing(self, tables: Collection[str]) -> list[Writing]:
        """Who writes these tables now."""
        query = select(runs).where(runs.c.target == self._target, runs.c.table_name.in_(tables)).order_by(runs.c.since)
        with self._database.reading() as connection:
            found = [(_read(row), row.seen) for row in connection.execute(query)]
        recent = time.time() - SILENCE_S
        return [one for one, seen in found if _lives(one.process, heard=seen >= recent)]

    def _by(self, process: Process) -> ColumnElement[bool]:
        same = (runs.c.host == process.host) & (runs.c.pid == process.pid) & (runs.c.born == process.born)
        return same & (runs.c.target == self._target)


def _lives(process: Process, *, heard: bool) -> bool:
    # A host that slept has said nothing for long, and its runs go on.
    return not process.is_surely_dead() if process.is_here else heard


def _read(row: Row[Any]) -> Writing:
    return Writing(row.table_name, Process(row.host, row.boot, row.pid, row.born), row.since)
