"""Who changed what through the service, and how it ended. Entries are added and never altered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import insert, select

from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.schema import audit


@dataclass(frozen=True, slots=True)
class Entry:
    """One change that somebody asked for."""

    actor: str
    """``key NAME (ID)``, ``oidc SUBJECT`` or ``loopback``."""
    role: str
    address: str
    request: str
    """The request's correlation id."""
    action: str
    """Method and route, such as ``POST /api/v1/jobs``."""
    subject: str
    """What it was about: the path as it was asked for."""
    outcome: str
    """HTTP status, and the problem's code when there is one."""
    at: str = field(default_factory=now_text)
    id: int = 0


class Audit:
    """The audit log of a state database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: Entry) -> None:
        """Make an entry durable."""
        values = asdict(entry)
        del values["id"]
        limits = {column.name: getattr(column.type, "length", None) for column in audit.columns}
        fitting = {name: value[: limits[name]] for name, value in values.items()}
        with self._database.writing() as connection:
            connection.execute(insert(audit).values(fitting))

    def page(self, before: int | None, count: int) -> Sequence[Entry]:
        """The newest entries, of those before an id, newest first."""
        query = select(audit).order_by(audit.c.id.desc()).limit(count)
        if before is not None:
            query = query.where(audit.c.id < before)
        with self._database.reading() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query)]
