"""The journal of an apply: every step is written down before and after it is carried out.

A crash leaves the journal open. Whoever applies next reads how far it got and carries on: a step that is
``started`` may or may not have happened, so every step can be carried out twice.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import Row, insert, select, update

from engine.state.applied import Applied, forget_applied, put_applied
from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.schema import journals, steps

StepStatus: TypeAlias = Literal["waiting", "started", "done"]
JournalStatus: TypeAlias = Literal["open", "done", "superseded"]


@dataclass(frozen=True, slots=True)
class JournalStep:
    """One step of an apply; ``number`` counts from 1."""

    number: int
    address: str
    verb: str
    status: StepStatus = "waiting"


@dataclass(frozen=True, slots=True)
class Journal:
    """An apply that was begun: its plan as canonical JSON, and its steps in order."""

    id: int
    plan_digest: str
    plan: str
    host: str
    pid: int
    started_at: str
    steps: tuple[JournalStep, ...]

    @property
    def done(self) -> int:
        """How many steps were carried out."""
        return sum(step.status == "done" for step in self.steps)

    def started(self, address: str) -> bool:
        """Whether a step of this resource was begun and not written down as done."""
        return any(step.address == address and step.status == "started" for step in self.steps)


class Journals:
    """The journals of one target; at most one of them is open."""

    def __init__(self, database: Database, target: str) -> None:
        self._database = database
        self._target = target

    def start(self, plan_digest: str, plan: str, planned: Sequence[JournalStep]) -> Journal:
        """Open a journal; one that was still open is superseded, for the new plan was made from the world."""
        with self._database.writing() as connection:
            still_open = (journals.c.target == self._target) & (journals.c.status == "open")
            connection.execute(update(journals).where(still_open).values(status="superseded", finished_at=now_text()))
            done = connection.execute(
                insert(journals).values(
                    target=self._target,
                    plan_digest=plan_digest,
                    plan=plan,
                    status="open",
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    started_at=now_text(),
                )
            )
            assert done.inserted_primary_key is not None  # noqa: S101  both databases return it
            journal_id = int(done.inserted_primary_key[0])
            for step in planned:
                connection.execute(
                    insert(steps).values(
                        journal_id=journal_id,
                        number=step.number,
                        address=step.address,
                        verb=step.verb,
                        status="waiting",
                    )
                )
        journal = self.unfinished()
        assert journal is not None  # noqa: S101  the transaction above made it
        return journal

    def unfinished(self) -> Journal | None:
        """The apply that stopped half-way, if there is one."""
        query = (
            select(journals)
            .where(journals.c.target == self._target, journals.c.status == "open")
            .order_by(journals.c.id.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            own = select(steps).where(steps.c.journal_id == row.id).order_by(steps.c.number)
            return _read(row, connection.execute(own).all())

    def begin_step(self, journal: Journal, number: int) -> None:
        """Write down that a step is about to be carried out."""
        with self._database.writing() as connection:
            connection.execute(_step(journal, number).values(status="started", started_at=now_text()))

    def finish_step(
        self, journal: Journal, number: int, *, remember: Applied | None = None, forget: str | None = None
    ) -> None:
        """Write down, in one transaction, that a step is done and what that makes of the resource."""
        with self._database.writing() as connection:
            if forget is not None:
                forget_applied(connection, self._target, forget)
            if remember is not None:
                put_applied(connection, self._target, remember)
            connection.execute(_step(journal, number).values(status="done", finished_at=now_text()))

    def close(self, journal: Journal, status: JournalStatus = "done") -> None:
        """Close a journal: every step is done, or a newer plan took its place."""
        with self._database.writing() as connection:
            connection.execute(
                update(journals).where(journals.c.id == journal.id).values(status=status, finished_at=now_text())
            )


def _step(journal: Journal, number: int) -> Any:  # noqa: ANN401  an Update whose type SQLAlchemy keeps open
    return update(steps).where(steps.c.journal_id == journal.id, steps.c.number == number)


def _read(row: Row[Any], own: Sequence[Row[Any]]) -> Journal:
    return Journal(
        id=row.id,
        plan_digest=row.plan_digest,
        plan=row.plan,
        host=row.host,
        pid=row.pid,
        started_at=row.started_at,
        steps=tuple(JournalStep(step.number, step.address, step.verb, step.status) for step in own),
    )
