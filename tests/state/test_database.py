"""The state database: made on demand, migrated once, readable errors, no traces from looking."""

from __future__ import annotations

import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import StateError, ToolMissing
from engine.state.applied import Applied, AppliedResources
from engine.state.database import Database, open_database


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/deep/er/state.db"


def applied(address: str, **attributes: int) -> Applied:
    return Applied(address, "table", "orders", "created", "an-id", dict(attributes))


def test_looking_at_a_state_that_is_not_there_leaves_no_file(tmp_path: Path) -> None:
    database = open_database(url(tmp_path), create=False)
    assert AppliedResources(database, "local").all() == {}
    assert list(tmp_path.iterdir()) == []


def test_what_one_process_writes_another_reads(state_url: str) -> None:
    AppliedResources(open_database(state_url), "local").put(applied("table.a", x=1))
    again = AppliedResources(open_database(state_url), "local").all()
    assert again["table.a"].attributes == {"x": 1}


def test_targets_that_share_a_database_do_not_see_each_other(database: Database) -> None:
    AppliedResources(database, "local").put(applied("table.a"))
    assert AppliedResources(database, "prod").all() == {}


def test_sqlite_runs_with_a_write_ahead_log_and_waits_for_other_writers(tmp_path: Path) -> None:
    with open_database(url(tmp_path)).reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000


def test_a_transaction_that_fails_leaves_nothing_behind(database: Database) -> None:
    def insert_twice() -> None:
        with database.writing() as connection:
            connection.exec_driver_sql("INSERT INTO checkpoints VALUES ('j', 'k', '1', 'now')")
            connection.exec_driver_sql("INSERT INTO no_such_table VALUES (1)")

    with pytest.raises(StateError, match="no_such_table"):
        insert_twice()
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM checkpoints").scalar() == 0


def test_many_that_open_a_new_state_at_once_all_succeed_and_lose_no_write(state_url: str) -> None:
    def write(number: int) -> None:
        database = open_database(state_url)
        AppliedResources(database, "local").put(applied(f"table.{number}"))
        database.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    assert len(AppliedResources(open_database(state_url), "local").all()) == 24


def test_a_state_that_a_newer_oplake_wrote_is_refused(state_url: str, database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE oplake_schema SET version_num = '9999'")
    with pytest.raises(StateError, match="newer oplake") as caught:
        open_database(state_url)
    assert "upgrade oplake" in caught.value.remedy


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"this is not a database at all, not even nearly" * 100)
    with pytest.raises(StateError, match="not a database"):
        open_database(f"sqlite:///{path}")


def test_a_password_in_the_url_never_reaches_an_error() -> None:
    with pytest.raises(StateError) as caught:
        open_database("postgresql+psycopg://user:hunter2secret@127.0.0.1:1/none")
    assert "hunter2secret" not in str(caught.value)
    with pytest.raises(StateError) as unreadable:
        open_database("not a url with hunter2secret")
    assert "hunter2secret" not in str(unreadable.value)


def test_a_postgresql_that_is_not_there_or_has_no_driver_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StateError, match="onnection"):
        open_database("postgresql://user@127.0.0.1:1/none?connect_timeout=3")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ToolMissing, match="driver") as caught:
        open_database("postgresql://user:hunter2secret@127.0.0.1:1/none")
    assert "pip install 'oplake[postgresql]'" in caught.value.remedy
    assert "hunter2secret" not in str(caught.value)


def test_a_killed_writer_leaves_a_database_that_opens(tmp_path: Path) -> None:
    database = open_database(url(tmp_path))
    AppliedResources(database, "local").put(applied("table.a"))
    path = tmp_path / "deep" / "er" / "state.db"
    torn = sqlite3.connect(path, isolation_level=None)
    torn.execute("BEGIN IMMEDIATE")
    torn.execute("DELETE FROM resources")
    torn.close()  # as a kill does: the transaction never commits
    assert list(AppliedResources(open_database(url(tmp_path)), "local").all()) == ["table.a"]
