"""The lock: one holder, named to the others; the dead do not hold it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sqlalchemy import insert

from engine.state import process
from engine.state.database import Database
from engine.state.lock import LockHeld, hold
from engine.state.schema import locks

HOLD_AND_DIE = """
import os, signal, sys
from engine.state.database import open_database
from engine.state.lock import hold
with hold(open_database(sys.argv[1]), "apply:local", "an apply"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_second_holder_is_told_who_holds_the_lock(database: Database) -> None:
    with hold(database, "apply:local", "an apply"):
        with pytest.raises(LockHeld) as caught, hold(database, "apply:local", "another"):
            pass
        assert f"an apply by process {os.getpid()} on {os.uname().nodename}" in caught.value.what


def test_a_lock_is_free_again_after_its_block(database: Database) -> None:
    with hold(database, "apply:local", "an apply"):
        pass
    with hold(database, "apply:local", "an apply"):
        pass


def test_a_lock_is_free_again_after_an_error_in_its_block(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), hold(database, "apply:local", "an apply"):
        raise ZeroDivisionError
    with hold(database, "apply:local", "an apply"):
        pass


def test_locks_of_different_names_do_not_meet(database: Database) -> None:
    with hold(database, "apply:local", "an apply"), hold(database, "apply:prod", "an apply"):
        pass


@pytest.mark.slow
def test_the_lock_of_a_killed_process_is_taken_over(state_url: str, database: Database) -> None:
    died = subprocess.run([sys.executable, "-c", HOLD_AND_DIE, state_url], check=False)
    assert died.returncode == -9
    with hold(database, "apply:local", "an apply"):
        pass


def set_holder(database: Database, **columns: object) -> None:
    values = {
        "name": "apply:local",
        "host": os.uname().nodename,
        "boot": process.Process.this().boot,
        "pid": os.getpid(),
        "born": process.Process.this().born,
        "purpose": "an apply",
        "since": "2025-01-01T00:00:00Z",
    } | columns
    with database.writing() as connection:
        connection.execute(insert(locks).values(**values))


def test_a_process_number_that_was_given_out_again_does_not_hold_the_lock(database: Database) -> None:
    set_holder(database, born="1")
    with hold(database, "apply:local", "an apply"):
        pass


def test_a_lock_from_before_a_reboot_is_taken_over(database: Database) -> None:
    set_holder(database, boot="another boot")
    with hold(database, "apply:local", "an apply"):
        pass


def test_a_lock_of_another_host_is_only_broken_by_the_operators_word(database: Database) -> None:
    set_holder(database, host="elsewhere", pid=2**22 - 1)
    with pytest.raises(LockHeld, match="elsewhere") as caught, hold(database, "apply:local", "an apply"):
        pass
    assert "--break-lock" in caught.value.remedy
    with hold(database, "apply:local", "an apply", break_lock=True):
        pass
