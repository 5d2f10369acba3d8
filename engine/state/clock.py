"""The time as the state database writes it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text


def now_text() -> str:
    """The time now in UTC, ISO 8601 to the second: sorts as it happened and reads as it stands."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix_seconds(text: str) -> float:
    """The Unix time of what ``now_text`` gave."""
    return datetime.fromisoformat(text).timestamp()


def database_seconds(connection: Connection) -> int:
    """Unix time by the one clock that all hosts of a state share: PostgreSQL's own.

    A SQLite file is shared within one machine alone, whose clock this is then.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    query = "SELECT strftime('%s', 'now')" if is_sqlite else "SELECT extract(epoch FROM clock_timestamp())"
    return int(connection.execute(text(query)).scalar_one())
