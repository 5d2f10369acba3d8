"""Opens the state database: SQLite by default, PostgreSQL by URL, always at the newest migration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from engine.errors import StateError, ToolMissing
from engine.state.migrate import is_current, migrate, revision, written_by_newer
from engine.state.schema import REVISION

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another process's transaction; ours last milliseconds."""

READ_ONLY = "oplake_read_only"
"""The execution option that marks a connection which only looks."""


class Database:
    """A state database at the newest migration. ``reading`` and ``writing`` are its only doors."""

    def __init__(self, engine: Engine, place: str) -> None:
        self._engine = engine
        self.place = place

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees committed rows and blocks nobody."""
        with self._errors_named(), self._engine.connect() as connection:
            yield connection.execution_options(**{READ_ONLY: True})

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it is durable when the block ends, or none of it happened."""
        with self._errors_named(), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise _state_error(error, self.place) from error


def open_database(url: str, *, create: bool = True) -> Database:
    """Open the state at an SQLAlchemy URL and bring it to the newest migration.

    With ``create=False`` a SQLite file that is not there is not made: an empty state in memory stands in,
    so that looking leaves no trace.

    Raises:
        StateError: the URL is wrong, the database cannot be opened, or a newer oplake wrote it.
        ToolMissing: PostgreSQL is asked for, and its driver is not installed.
    """
    with _opened(url, create=create) as database:
        with database.reading() as connection:
            current = is_current(connection)
        if not current:
            with database.writing() as connection:
                migrate(connection, database.place)
    return database


@dataclass(frozen=True, slots=True)
class Schema:
    """Which migration a state database stands at, and which one this oplake brings it to."""

    place: str
    found: str | None
    """None: there is no state yet."""
    newest: str = REVISION

    @property
    def is_current(self) -> bool:
        """Whether opening it changes nothing."""
        return self.found == self.newest


def look_at_schema(url: str) -> Schema:
    """Which migration the state at an SQLAlchemy URL stands at; nothing is made or changed.

    Raises as ``open_database`` does.
    """
    with _opened(url, create=False) as database:
        with database.reading() as connection:
            found = revision(connection)
        database.close()
    if found is not None and found > REVISION:  # numbers of four digits
        raise written_by_newer(found, database.place)
    return Schema(database.place, found)


@contextmanager
def _opened(url: str, *, create: bool) -> Iterator[Database]:
    """The database as it stands, and what goes wrong with it inside the block named."""
    parsed = _parse(url)
    place = parsed.render_as_string(hide_password=True)
    try:
        yield Database(_engine(parsed, create=create), place)
    except OSError as error:
        raise _state_error(error, place) from error
    except ModuleNotFoundError as error:
        raise ToolMissing(
            f"no driver for this state database is installed ({error.name})",
            where=place,
            remedy="pip install 'oplake[postgresql]', or use sqlite:///.oplake/state.db",
        ) from error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        # The text itself may hold a password, so it is not repeated.
        raise StateError(
            "the state URL cannot be read",
            where="target: state",
            remedy="write it as sqlite:///path/state.db or postgresql://user@host/database",
        ) from error

    # SQLAlchemy takes the bare name for the driver before ours.
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _engine(url: URL, *, create: bool) -> Engine:
    if url.get_backend_name() != "sqlite":
        try:
            return create_engine(url, pool_pre_ping=True)
        except NoSuchModuleError as error:
            raise StateError(
                f"oplake keeps no state in {url.get_backend_name()}",
                where="target: state",
                remedy="use a sqlite:/// or postgresql:// URL",
            ) from error
    path = url.database
    if path and path != ":memory:":
        if Path(path).exists() or create:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        else:
            url = url.set(database=":memory:")
    in_memory = not url.database or url.database == ":memory:"
    engine = create_engine(url, poolclass=StaticPool) if in_memory else create_engine(url)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _set_up_sqlite(connection: DBAPIConnection, _record: Any) -> None:  # noqa: ANN401  SQLAlchemy's hook
    # The driver's own transaction handling is switched off: it begins too late for a lock to mean anything.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads before it writes cannot wait for another writer: SQLite fails it at once.
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _state_error(error: Exception, place: str) -> StateError:
    cause = getattr(error, "orig", None) or error
    reason = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    return StateError(
        f"the state database does not work: {reason}",
        where=place,
        remedy="check that the path or server exists, is writable and has room (`state:` of the target)",
    )
