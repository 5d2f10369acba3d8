"""Who writes which table: told while they live, and not after."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from sqlalchemy import update

from engine.state.database import Database
from engine.state.runs import Runs
from engine.state.schema import runs as table
from engine.state.signs_of_life import SILENCE_S

ENTER_AND_DIE = """
import os, signal, sys
from engine.state.database import open_database
from engine.state.runs import Runs
Runs(open_database(sys.argv[1]), "local").enter(["orders"])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def runs(database: Database) -> Runs:
    return Runs(database, "local")


def tables(runs: Runs, *asked: str) -> list[str]:
    return sorted(one.table for one in runs.writing(asked))


def test_a_run_is_told_by_process_for_the_tables_that_were_asked_about(runs: Runs, database: Database) -> None:
    runs.enter(["orders", "users"])
    (one,) = runs.writing(["orders", "others"])
    assert (one.table, one.process.pid, one.process.host) == ("orders", os.getpid(), os.uname().nodename)
    assert tables(Runs(database, "prod"), "orders") == []


def test_a_run_that_ended_is_not_told(runs: Runs) -> None:
    runs.enter(["orders"])
    runs.leave()
    assert tables(runs, "orders") == []


def test_a_run_that_enters_again_is_told_once(runs: Runs) -> None:
    runs.enter(["orders", "users"])
    runs.enter(["orders"])
    assert tables(runs, "orders", "users") == ["orders"]


@pytest.mark.slow
def test_a_run_that_was_killed_is_not_told(state_url: str, runs: Runs) -> None:
    died = subprocess.run([sys.executable, "-c", ENTER_AND_DIE, state_url], check=False)
    assert died.returncode == -9
    assert tables(runs, "orders") == []


def fall_silent(database: Database, **columns: object) -> None:
    with database.writing() as connection:
        connection.execute(update(table).values(seen=table.c.seen - SILENCE_S - 1, **columns))


def test_a_run_of_this_host_is_told_however_long_it_slept(runs: Runs, database: Database) -> None:
    runs.enter(["orders"])
    fall_silent(database)
    assert tables(runs, "orders") == ["orders"]


def test_a_run_elsewhere_is_told_until_it_has_been_silent_for_long(runs: Runs, database: Database) -> None:
    runs.enter(["orders"])
    with database.writing() as connection:
        connection.execute(update(table).values(host="elsewhere"))
    assert tables(runs, "orders") == ["orders"]
    fall_silent(database)
    assert tables(runs, "orders") == []


def test_a_run_that_says_it_lives_is_heard(runs: Runs, database: Database) -> None:
    runs.enter(["orders"])
    fall_silent(database)
    runs.still_here()
    with database.writing() as connection:
        connection.execute(update(table).values(host="elsewhere"))
    assert tables(runs, "orders") == ["orders"]


def test_a_host_whose_clock_is_wrong_takes_nobody_for_gone(
    runs: Runs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.enter(["orders"])
    with database.writing() as connection:
        connection.execute(update(table).values(host="elsewhere"))
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 10 * SILENCE_S)
    assert tables(runs, "orders") == ["orders"]
