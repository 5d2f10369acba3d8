"""The hold that one process has on a reconciliation, which another takes over when the first counts as gone.

A process that only slept wakes up, and goes on. So whatever it writes of the pass is written in a transaction that asks
first whether the pass is still its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, update

from engine.errors import OperatorError
from engine.state.clock import database_seconds
from engine.state.schema import reconciliations
from engine.state.signs_of_life import SILENCE_S


class PassTaken(OperatorError):
    """The reconciliation that this process is at work on is another's by now, or was given up."""

    code = "reconciliation-taken"
    exit_code: ClassVar[int] = 6


@dataclass(frozen=True, slots=True)
class Tenure:
    """Of a pass, since some time; whoever takes it over has the next number."""

    run: str
    number: int

    def renew(self, connection: Connection) -> None:
        """Say that the holder lives, in the transaction of what it writes.

        Raises:
            PassTaken: the pass is not its own any more.
        """
        values = {"seen": database_seconds(connection)}
        if not connection.execute(update(reconciliations).where(self.is_held).values(values)).rowcount:
            raise PassTaken(
                f"the reconciliation {self.run} was given up, or is carried on by another process: this one had not "
                f"been heard of for {SILENCE_S} s",
                where=f"reconciliation {self.run}",
                remedy="`oplake reconcile --list` shows what became of it; what this process had kept counts for the "
                f"other where both use one folder, else .oplake/reconcile/{self.run} can be deleted here",
            )

    @property
    def is_held(self) -> ColumnElement[bool]:
        """Picks the pass while it is under way in these hands."""
        mine = (reconciliations.c.id == self.run) & (reconciliations.c.tenure == self.number)
        return mine & reconciliations.c.finished_at.is_(None)
