"""Brings a state database to the newest migration, once, however many processes open it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, text

from engine.errors import StateError
from engine.state.schema import REVISION, metadata

VERSION_TABLE = "oplake_schema"
POSTGRESQL_LOCK = 0x6F706C616B65  # "oplake": the advisory lock that keeps two migrations apart


def is_current(connection: Connection) -> bool:
    """Whether nothing is to be done."""
    return revision(connection) == REVISION


def migrate(connection: Connection, place: str) -> None:
    """Run what is missing, inside the caller's transaction.

    Raises:
        StateError: the database stands at a migration this oplake does not know, or holds tables that are in the way.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": POSTGRESQL_LOCK})
    found = revision(connection)
    if found == REVISION:
        return
    if found is None:
        _make(connection, place)
    else:
        _upgrade(connection, place, found)


def revision(connection: Connection) -> str | None:
    """The migration that the database stands at; None when it holds no state."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  a constant
    return str(found) if found is not None else None


def _make(connection: Connection, place: str) -> None:
    seen = inspect(connection)
    in_the_way = {VERSION_TABLE, *metadata.tables} & {*seen.get_table_names(), *seen.get_view_names()}
    if in_the_way:
        raise _not_a_state(sorted(in_the_way), place)
    # As the newest migration leaves them: a first command need not import Alembic to repeat every migration.
    metadata.create_all(connection, checkfirst=False)
    stands_at = Table(
        VERSION_TABLE,
        MetaData(),
        Column("version_num", String(32), nullable=False),
        PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
    )
    stands_at.create(connection, checkfirst=False)
    connection.execute(stands_at.insert().values(version_num=REVISION))


def _upgrade(connection: Connection, place: str, found: str) -> None:
    # Alembic costs a tenth of a second to import: only a database that needs it pays.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    folder = str(files("engine.state") / "migrations").replace("%", "%%")
    config.set_main_option("script_location", folder)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in known:
        raise written_by_newer(found, place)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def written_by_newer(found: str, place: str) -> StateError:
    """A state that this oplake does not know the schema of."""
    return StateError(
        f"the state was written by a newer oplake (schema {found}, this one knows up to {REVISION})",
        where=place,
        remedy="upgrade oplake on this machine",
    )


def _not_a_state(found: Sequence[str], place: str) -> StateError:
    mark = "is empty" if VERSION_TABLE in found else "is not there"
    return StateError(
        f"the database is neither empty nor a state: it has {', '.join(found)}, and {VERSION_TABLE}, which would tell "
        f"their schema, {mark}",
        where=place,
        remedy="when they are another program's, name a database of its own under `state:` of the target; when a "
        "restore was cut off, empty the database and restore the whole backup",
    )
