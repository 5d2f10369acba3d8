"""How far a long job has got, by job and key, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

from sqlalchemy import Connection, delete, insert, select

from engine.state.canonical import Json, canonical_json
from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.schema import checkpoints


def jobs_with_checkpoints(database: Database, prefix: str) -> set[str]:
    """The jobs that have any, of those whose names begin so."""
    query = select(checkpoints.c.job).where(checkpoints.c.job.startswith(prefix, autoescape=True)).distinct()
    with database.reading() as connection:
        return set(connection.execute(query).scalars())


def unguarded(_connection: Connection) -> None:
    """What a job asks before it saves that no other process could take over."""


class Checkpoints:
    """The checkpoints of one job.

    Args:
        guard: asked in the transaction of each one that is saved; what it raises keeps it from being saved.
    """

    def __init__(self, database: Database, job: str, guard: Callable[[Connection], None] = unguarded) -> None:
        self._database = database
        self._job = job
        self._guard = guard

    def get(self, key: str) -> Json:
        """The value saved last under ``key``; None when there is none."""
        query = select(checkpoints.c.value).where(checkpoints.c.job == self._job, checkpoints.c.key == key)
        with self._database.reading() as connection:
            text = connection.execute(query).scalar()
        return None if text is None else cast("Json", json.loads(text))

    def all(self) -> dict[str, Json]:
        """Every key with the value saved last under it."""
        query = select(checkpoints.c.key, checkpoints.c.value).where(checkpoints.c.job == self._job)
        with self._database.reading() as connection:
            return {row.key: cast("Json", json.loads(row.value)) for row in connection.execute(query)}

    def put(self, key: str, value: Json) -> None:
        """Save a value durably, in place of the one before."""
        with self._database.writing() as connection:
            self._guard(connection)
            mine = (checkpoints.c.job == self._job) & (checkpoints.c.key == key)
            connection.execute(delete(checkpoints).where(mine))
            connection.execute(
                insert(checkpoints).values(job=self._job, key=key, value=canonical_json(value), updated_at=now_text())
            )

    def clear(self) -> None:
        """Forget everything of this job."""
        with self._database.writing() as connection:
            connection.execute(delete(checkpoints).where(checkpoints.c.job == self._job))
