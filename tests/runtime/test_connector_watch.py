"""A connector that has failed is told of and started again, by one worker; ``tests/transport`` has a real one."""

from __future__ import annotations

import io
import json

from engine.resources.connect_rest import ConnectRest
from engine.runtime.connector_watch import FIRST_PAUSE_S, LONGEST_PAUSE_S, WatchedConnector
from engine.runtime.reports import Report
from engine.stack.ports import free_port
from tests.resources.connect_answers import answering

SECRET = "what-a-document-says"  # noqa: S105 - for the test to look for
TASK = {"id": 0, "state": "FAILED", "trace": f"org.apache.kafka.Errors: {SECRET}\n\tat somewhere"}
FAILED = (200, {"connector": {"state": "RUNNING"}, "tasks": [TASK]})
RUNS = (200, {"connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "RUNNING"}]})
RESTARTED = (202, FAILED[1])
ASK, RESTART = "GET /connectors/c/status", "POST /connectors/c/restart?includeTasks=true&onlyFailed=true"


def watched(rest: ConnectRest, *, is_ours: bool = True, restarts: bool = True) -> WatchedConnector:
    reports = [Report("orders", "shop"), Report("users", "shop")]
    return WatchedConnector("c", rest, reports, is_ours=lambda: is_ours, restarts=restarts)


def events(logged: io.StringIO) -> list[str]:
    return [json.loads(line)["event"] for line in logged.getvalue().splitlines()]


def test_one_that_fails_is_started_again_at_once_then_after_pauses_that_double(logged: io.StringIO) -> None:
    answers = [FAILED, RESTARTED, FAILED, FAILED, RESTARTED, FAILED, FAILED, RESTARTED]
    with answering(*answers) as (rest, asked):
        connector = watched(rest)
        for now in (0, FIRST_PAUSE_S - 1, FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 3 * FIRST_PAUSE_S):
            connector.look(now)

    assert asked == [ASK, RESTART, ASK, ASK, RESTART, ASK, ASK, RESTART]
    counters = [report.counters for report in connector.reports]
    assert [(one.connector_failed, one.connector_restarts) for one in counters] == [(True, 3), (True, 0)]
    assert events(logged)[:3] == ["connector failed", "connector failed", "connector restarted"]
    assert "org.apache.kafka.Errors" in logged.getvalue()
    assert SECRET not in logged.getvalue()


def test_one_that_has_run_for_long_is_started_again_at_once_when_it_fails(logged: io.StringIO) -> None:
    with answering(FAILED, RESTARTED, RUNS, RUNS, FAILED, RESTARTED, FAILED) as (rest, asked):
        connector = watched(rest)
        for now in (0, 1, LONGEST_PAUSE_S + 1, LONGEST_PAUSE_S + 2, LONGEST_PAUSE_S + 3):
            connector.look(now)

    assert asked == [ASK, RESTART, ASK, ASK, ASK, RESTART, ASK]
    assert "connector runs again" in events(logged)


def test_where_somebody_else_starts_it_again_a_failure_is_told_all_the_same(logged: io.StringIO) -> None:
    with answering(FAILED, FAILED) as (rest, asked):
        connector = watched(rest, restarts=False)
        connector.look(0)
        connector.look(1000)

    assert asked == [ASK, ASK]
    assert [report.counters.connector_failed for report in connector.reports] == [True, True]
    assert events(logged) == ["connector failed"] * 2


def test_a_worker_that_does_not_lead_asks_nothing_and_tells_nothing() -> None:
    with answering() as (rest, asked):
        connector = watched(rest, is_ours=False)
        connector.look(0)

    assert asked == []
    assert connector.reports[0].counters.connector_failed is None


def test_a_connect_that_does_not_answer_is_told_once_and_asked_again(logged: io.StringIO) -> None:
    connector = watched(ConnectRest(f"http://127.0.0.1:{free_port()}"))

    connector.look(0)
    connector.look(1)
    with answering(FAILED, RESTARTED) as (rest, asked):
        connector.rest = rest
        connector.look(2)

    assert events(logged)[:1] == ["connector not asked"]
    assert "connector not asked" not in events(logged)[1:]
    assert asked == [ASK, RESTART]
