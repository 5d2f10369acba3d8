"""The state in PostgreSQL is backed up, destroyed and restored by the commands that the documentation gives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database as MongoDatabase
from sqlalchemy import create_engine

from tests.cli.command_line import START
from tests.state.postgresql import PostgreSQL, binaries

ROOT = Path(__file__).parents[2]
TARGET = "target: here\nmongodb: {uri: '${env:MONGODB_URI}'}\nlake: {uri: lake}\nstate: '${env:STATE_URL}'\n"

pytestmark = pytest.mark.server


def oplake(*words: str, folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A process of its own: a run ends the one that it is in."""
    command = [sys.executable, "-c", START, *words]
    return subprocess.run(command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def documented(title: str) -> list[list[str]]:
    """The lines of each shell block of a section of docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = re.split(r"^## ", text.partition(f"## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return [block.strip().splitlines() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)]


@pytest.fixture
def project(tmp_path: Path, database: MongoDatabase[Any]) -> Path:
    database["boats"].insert_many([{"_id": number, "name": f"b{number}"} for number in range(20)])
    for name, text in {
        "targets/here.yaml": TARGET,
        "pipelines/boats.yaml": f"pipeline: boats\nsource: {{collections: [{database.name}.boats]}}\n",
    }.items():
        path = tmp_path / "specs" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def database(mongo_client: MongoClient[Any]) -> Iterator[MongoDatabase[Any]]:
    """A MongoDB database, not the state's as in the other files of this folder."""
    yield mongo_client["harbour_backup"]
    mongo_client.drop_database("harbour_backup")


def empty_again(url: str, server: PostgreSQL) -> str:
    """Destroy the database, and make an empty one."""
    engine = create_engine(
        server.new_database().replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')
    engine.dispose()
    return server.new_database()


def test_a_state_that_was_destroyed_is_as_it_was_after_a_restore(
    project: Path, postgresql: PostgreSQL, mongo: str
) -> None:
    programs = binaries()
    assert programs is not None
    env: Mapping[str, str] = {"STATE_URL": postgresql.new_database(), "MONGODB_URI": mongo}

    def run(*words: str) -> str:
        done = oplake(*words, folder=project, env=env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(line: str) -> None:
        path = f"{programs}:{os.environ['PATH']}"
        subprocess.run(["bash", "-c", line], cwd=project, env={**os.environ, **env, "PATH": path}, check=True)

    run("apply", "--yes")
    run("run", "--until-caught-up")
    run("keys", "create", "ann", "--role", "admin")
    status, keys = run("status"), run("keys", "list")
    (back_up,), restore = documented("Back up and restore the state")
    shell(back_up)
    env = {**env, "STATE_URL": empty_again(env["STATE_URL"], postgresql)}
    assert oplake("state", "show", folder=project, env=env).returncode == 3, "nothing is left"
    for line in restore:
        if line.startswith("oplake "):
            run(*line.split()[1:])
        else:
            shell(line)
    assert run("status") == status
    assert run("keys", "list") == keys
    run("plan")  # exits 3 when anything differs
