"""One apply at a time: a named lock in the state database that says who holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Row, delete, insert, select

from engine.errors import OperatorError
from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.process import Process
from engine.state.schema import locks


class LockHeld(OperatorError):
    """Another process is changing the same target."""

    code = "locked"


@contextmanager
def hold(database: Database, name: str, purpose: str, *, break_lock: bool = False) -> Iterator[None]:
    """Hold the lock ``name`` for the block.

    A lock whose process is known to be dead is taken over. A lock of another host is never: nobody here can
    know, so ``break_lock`` is the operator's word that the holder is gone.

    Raises:
        LockHeld: somebody else holds it; says who, what for and since when.
    """
    me = Process.this()
    _take(database, name, purpose, me, break_lock=break_lock)
    try:
        yield
    finally:
        _release(database, name, me)


def _take(database: Database, name: str, purpose: str, me: Process, *, break_lock: bool) -> None:
    with database.writing() as connection:
        row = connection.execute(select(locks).where(locks.c.name == name).with_for_update()).first()
        if row is not None:
            holder = Process(row.host, row.boot, row.pid, row.born)
            if not (break_lock or holder.is_surely_dead()):
                raise _held(row, database.place)
            connection.execute(delete(locks).where(locks.c.name == name))
        connection.execute(
            insert(locks).values(
                name=name,
                host=me.host,
                boot=me.boot,
                pid=me.pid,
                born=me.born,
                purpose=purpose,
                since=now_text(),
            )
        )


def _release(database: Database, name: str, me: Process) -> None:
    with database.writing() as connection:
        mine = (locks.c.name == name) & (locks.c.host == me.host) & (locks.c.pid == me.pid)
        connection.execute(delete(locks).where(mine, locks.c.born == me.born))


def _held(row: Row[Any], place: str) -> LockHeld:
    return LockHeld(
        f"{row.purpose} by process {row.pid} on {row.host} is at work since {row.since}",
        where=place,
        remedy="wait for it to end; if that host is gone for good, add --break-lock",
    )
