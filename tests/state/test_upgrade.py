"""The upgrade path: a state that any earlier oplake left goes on, with everything that was in it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, create_engine, inspect

from engine.errors import StateError
from engine.state.applied import AppliedResources
from engine.state.database import look_at_schema, open_database
from engine.state.migrate import VERSION_TABLE
from engine.state.schema import REVISION, metadata
from tests.cli.command_line import oplake

OLDER = sorted(path.stem[:4] for path in Path(str(files("engine.state"))).glob("migrations/versions/0*.py"))[:-1]
ROW = (
    "INSERT INTO resources (target, address, kind, pipeline, origin, identity, attributes, observed, applied_at) "
    "VALUES ('local', 'table.orders', 'table', 'orders', 'created', 'an-id', '{\"x\": 1}', '{}', '2026-01-01')"
)
LOCK = "INSERT INTO locks VALUES ('apply:local', 'a-host', 'a-boot', 1, 'born', 'apply', '2026-01-01')"
SPECS = {
    "targets/here.yaml": "target: here\nmongodb: {uri: 'mongodb://127.0.0.1:1'}\nlake: {uri: lake}\n"
    "state: ${env:STATE_URL}\n",
    "pipelines/orders.yaml": "pipeline: orders\nsource: {collections: [shop.orders]}\n",
}


def leave_behind(url: str, revision: str) -> None:
    """A state as the oplake of that revision wrote it."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(files("engine.state") / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.exec_driver_sql(ROW)
        connection.exec_driver_sql(LOCK)
    engine.dispose()


def described(connection: Connection) -> dict[str, Any]:
    """Table -> all that the database says about it; the order of columns does not count."""
    seen = inspect(connection)
    return {
        name: {
            "columns": {column["name"]: column | {"type": str(column["type"])} for column in seen.get_columns(name)},
            "primary key": seen.get_pk_constraint(name),
            "foreign keys": seen.get_foreign_keys(name),
            "indexes": sorted(seen.get_indexes(name), key=lambda index: str(index["name"])),
        }
        for name in seen.get_table_names()
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in SPECS.items():
        path = tmp_path / "specs" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize("revision", OLDER)
def test_every_earlier_state_is_upgraded_with_what_it_holds(revision: str, state_url: str) -> None:
    leave_behind(state_url, revision)
    database = open_database(state_url)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        assert connection.exec_driver_sql("SELECT host FROM locks").scalar() == "a-host"
    assert AppliedResources(database, "local").all()["table.orders"].attributes == {"x": 1}
    database.close()


def test_a_new_state_is_what_all_migrations_one_after_the_other_make(state_url: str) -> None:
    leave_behind(state_url, REVISION)
    with open_database(state_url).writing() as connection:
        migrated = described(connection)
        assert {VERSION_TABLE, "resources", "jobs"} <= migrated.keys()
        everything = MetaData()
        everything.reflect(connection)
        everything.drop_all(connection)
    with open_database(state_url).reading() as connection:
        assert described(connection) == migrated
        assert connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").all() == [(REVISION,)]  # noqa: S608
        assert connection.exec_driver_sql("SELECT count(*) FROM resources").scalar() == 0, "it was made anew"


def test_looking_at_a_schema_changes_nothing(state_url: str) -> None:
    assert look_at_schema(state_url).found is None
    leave_behind(state_url, OLDER[0])
    assert [look_at_schema(state_url).found for _ in range(2)] == [OLDER[0], OLDER[0]]
    open_database(state_url).close()
    assert look_at_schema(state_url).is_current


def test_a_newer_schema_is_no_upgrade_that_is_due(state_url: str) -> None:
    with open_database(state_url).writing() as connection:
        connection.exec_driver_sql("UPDATE oplake_schema SET version_num = '9999'")
    with pytest.raises(StateError, match="newer oplake"):
        look_at_schema(state_url)


def test_the_command_tells_that_an_upgrade_is_due_and_does_it_once(state_url: str, project: Path) -> None:
    leave_behind(state_url, OLDER[0])
    env = {"STATE_URL": state_url}
    due = oplake("state", "show", folder=project, env=env)
    assert due.returncode == 3
    assert f"schema {OLDER[0]}, an upgrade to schema {REVISION} is due" in due.stdout
    told = [oplake("state", "upgrade", folder=project, env=env).stdout for _ in range(2)]
    assert told[0].endswith(f"schema {REVISION}, upgraded from {OLDER[0]}\n")
    assert told[1].endswith(f"schema {REVISION}, nothing to do\n")
    shown = oplake("state", "show", folder=project, env=env)
    assert (shown.returncode, "due" in shown.stdout) == (0, False)
    assert "correct-horse" not in due.stdout + "".join(told), "the password in the URL is never shown"


def test_a_state_that_is_not_there_is_said_to_be_so_and_is_made(state_url: str, project: Path) -> None:
    env = {"STATE_URL": state_url}
    shown = oplake("state", "show", folder=project, env=env)
    assert (shown.returncode, "no state yet" in shown.stdout) == (3, True)
    assert oplake("state", "upgrade", folder=project, env=env).stdout.endswith(f"schema {REVISION}, made\n")


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (
            ["CREATE TABLE jobs (n INTEGER)", "CREATE VIEW locks AS SELECT n FROM jobs"],
            "it has jobs, locks, .*not there",
        ),
        ([f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32))"], "it has oplake_schema, .*is empty"),
    ],
)
def test_a_database_with_tables_in_the_way_is_left_as_it_is_and_told(
    state_url: str, there: list[str], told: str
) -> None:
    if state_url.startswith("sqlite:///"):
        Path(state_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(state_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in there:
            connection.exec_driver_sql(statement)
        before = described(connection)

    with pytest.raises(StateError, match=told) as caught:
        open_database(state_url)

    assert "database of its own" in caught.value.remedy
    with engine.begin() as connection:
        assert described(connection) == before
    engine.dispose()
