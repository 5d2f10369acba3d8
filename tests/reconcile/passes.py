"""Makes a pass in the state look as another process has left it."""

from __future__ import annotations

from sqlalchemy import select, update

from engine.state.canonical import canonical_json, parse_object
from engine.state.database import Database
from engine.state.schema import reconciliations

ELSEWHERE = "elsewhere"
"""A host that is not this one."""


def as_if(database: Database, run: str, *, silent_s: int = 0, **process: str) -> None:
    """Bend what is told of the process that has it in hand, and let it have been heard of so much earlier."""
    with database.writing() as connection:
        mine = reconciliations.c.id == run
        row = connection.execute(select(reconciliations).where(mine)).one()
        settings = parse_object(row.settings)
        settings["process"].update(process)
        values = {"settings": canonical_json(settings), "seen": row.seen - silent_s}
        connection.execute(update(reconciliations).where(mine).values(values))
