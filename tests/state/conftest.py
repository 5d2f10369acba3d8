"""The same tests on both databases that state can live in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.state.database import Database, open_database
from tests.state.postgresql import PostgreSQL, binaries


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server; tests that ask for it do not run where PostgreSQL is not installed."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL (Debian: postgresql) is not installed")
    with PostgreSQL(programs) as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a state is to live that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/er/state.db"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture
def database(state_url: str) -> Iterator[Database]:
    """An empty state."""
    opened = open_database(state_url)
    yield opened
    opened.close()
