"""What the service keeps: keys that only their holder knows, jobs that outlive their worker, one job a request."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import select

from engine.state.api_keys import ApiKeys
from engine.state.audit import Audit, Entry
from engine.state.database import Database
from engine.state.jobs import MAX_ATTEMPTS, Jobs, KeyReused
from engine.state.schema import api_keys
from engine.state.wanted_runs import WantedRuns

CLAIM_AND_DIE = """
import os, signal, sys
from engine.state.database import open_database
from engine.state.jobs import Jobs
assert Jobs(open_database(sys.argv[1]), "local").claim() is not None
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_key_opens_until_it_is_revoked_and_is_nowhere_in_the_database(database: Database) -> None:
    keys = ApiKeys(database)
    made, text = keys.create("dashboards", "viewer")
    assert keys.verify(text) == made
    assert keys.verify(text[:-1] + ("a" if text[-1] != "a" else "b")) is None
    for wrong in ("", "oplake", "oplake_", f"oplake_{made.id}_", f"other_{made.id}_x", "oplake_000000000000_x"):
        assert keys.verify(wrong) is None
    with database.reading() as connection:
        stored = str(connection.execute(select(api_keys)).all())
    assert text.removeprefix(f"oplake_{made.id}_") not in stored, "what follows the id may hold the same sign"
    assert keys.revoke(made.id)
    assert not keys.revoke(made.id)
    assert keys.verify(text) is None


def test_a_key_that_has_expired_opens_nothing(database: Database) -> None:
    keys = ApiKeys(database)
    _, text = keys.create("once", "admin", expires_at="2020-01-01T00:00:00Z")
    assert keys.verify(text) is None


def test_the_same_request_with_one_idempotency_key_makes_one_job(database: Database) -> None:
    jobs = Jobs(database, "local")
    first = jobs.ask("apply", {"digest": "a"}, "key x", once="1")
    assert jobs.ask("apply", {"digest": "a"}, "key x", once="1").id == first.id
    assert jobs.ask("apply", {"digest": "a"}, "key y", once="1").id != first.id
    with pytest.raises(KeyReused):
        jobs.ask("apply", {"digest": "b"}, "key x", once="1")
    assert jobs.waiting() == 2


@pytest.mark.slow
def test_the_job_of_a_worker_that_was_killed_goes_to_the_next_and_is_given_up_in_the_end(
    database: Database, state_url: str
) -> None:
    jobs = Jobs(database, "local")
    asked = jobs.ask("apply", {}, "key x")
    for attempt in range(1, MAX_ATTEMPTS):
        subprocess.run([sys.executable, "-c", CLAIM_AND_DIE, state_url], check=False)
        left = jobs.get(asked.id)
        assert left is not None
        assert (left.status, left.attempts) == ("running", attempt)
    mine = jobs.claim()
    assert mine is not None
    assert mine.attempts == MAX_ATTEMPTS
    assert jobs.claim() is None, "a job of a live worker is nobody else's"
    jobs.end(mine, "done", result={"steps": 2})
    ended = jobs.get(asked.id)
    assert ended is not None
    assert (ended.status, ended.result) == ("done", {"steps": 2})


@pytest.mark.slow
def test_a_job_that_kills_every_worker_is_given_up(database: Database, state_url: str) -> None:
    jobs = Jobs(database, "local")
    asked = jobs.ask("apply", {}, "key x")
    for _ in range(MAX_ATTEMPTS):
        subprocess.run([sys.executable, "-c", CLAIM_AND_DIE, state_url], check=False)
    assert jobs.claim() is None
    given_up = jobs.get(asked.id)
    assert given_up is not None
    assert given_up.status == "failed"


def test_a_queued_job_that_is_cancelled_is_never_begun_and_a_running_one_is_told(database: Database) -> None:
    jobs = Jobs(database, "local")
    running, queued = jobs.ask("apply", {}, "key x"), jobs.ask("apply", {}, "key x")
    claimed = jobs.claim()
    assert claimed is not None
    assert claimed.id == running.id
    assert not jobs.report(claimed, ["one"])
    for job in (running, queued):
        jobs.request_cancel(job.id)
    assert jobs.report(claimed, ["one", "two"])
    jobs.end(claimed, "cancelled")
    assert jobs.claim() is None
    assert [job.status for job in jobs.page(None, 10)] == ["cancelled", "cancelled"]


def test_wishes_and_restarts_are_counted(database: Database) -> None:
    wanted = WantedRuns(database, "local")
    wanted.want("orders", "running")
    wanted.tell("orders", "running", "pid 1")
    again = wanted.want("orders", "running", anew=True)
    assert (again.wish, again.generation, again.state) == ("running", 1, "running")
    assert wanted.want("orders", "stopped").generation == 1
    assert list(wanted.all()) == ["orders"]


def test_the_audit_log_tells_the_newest_first_and_cuts_what_is_too_long(database: Database) -> None:
    log = Audit(database)
    for number in range(3):
        log.add(Entry("key x", "admin", "127.0.0.1", "r", "POST /jobs", f"{number}" * 500, "202"))
    newest, middle = log.page(None, 2)
    assert newest.subject == "2" * 300
    assert [entry.subject[0] for entry in log.page(middle.id, 5)] == ["0"]
