"""The server fails in the middle of a read: nothing is lost, nothing comes twice, and the reason is told."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from engine.errors import OplakeError, ResumePointLost, SourceError, SourceUnreachable
from engine.source.change_stream import ChangeStreamSource
from engine.source.probe import connect
from engine.stack.mongodb import MongoServer
from tests.source.reading import Reading, collection_state, final_state, read_until_caught_up, source_of

pytestmark = pytest.mark.server

SNAPSHOT_ROWS = 5200
"""More than one reply of the server holds."""


@pytest.fixture(scope="module")
def failing_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoClient[Any]]:
    """Of a server that fails when told to, asked often whether it is well again: by itself the driver waits 10 s."""
    folder = tmp_path_factory.mktemp("failing")
    with (
        MongoServer(folder, test_commands=True) as server,
        connect(f"{server.uri}&heartbeatFrequencyMS=500") as client,
    ):
        yield client


@pytest.fixture
def fragile(failing_client: MongoClient[Any]) -> Iterator[Database[Any]]:
    name = f"fragile_{time.monotonic_ns()}"
    yield failing_client[name]
    failing_client.drop_database(name)


@pytest.fixture(scope="module")
def large(failing_client: MongoClient[Any]) -> Iterator[Database[Any]]:
    """Holds a snapshot of two replies; its tests read and nothing else."""
    database = failing_client["large"]
    database["c"].insert_many([{"_id": number} for number in range(SNAPSHOT_ROWS)])
    yield database
    failing_client.drop_database("large")


@contextmanager
def failing(client: MongoClient[Any], commands: Sequence[str], times: int | None = 1, **how: object) -> Iterator[None]:
    mode = "alwaysOn" if times is None else {"times": times}
    data = {"failCommands": list(commands), **how}
    client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})
    try:
        yield
    finally:
        client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


def poll_on(source: ChangeStreamSource, reading: Reading, polls: int, rows: int | None = None) -> list[OplakeError]:
    """Poll one source again and again, or until so many rows were read; returns what it raised."""
    raised: list[OplakeError] = []
    for _ in range(polls):
        if rows is not None and len(reading.ids) >= rows:
            break
        try:
            reading.add(source.poll(0.1, 1000))
        except OplakeError as error:
            raised.append(error)
    return raised


PASSING = [
    pytest.param({"errorCode": 43}, id="cursor not found"),
    pytest.param({"errorCode": 175}, id="query plan killed"),
    pytest.param({"errorCode": 262}, id="time limit exceeded"),
    pytest.param({"errorCode": 11602}, id="replica set state changes"),
    pytest.param({"errorCode": 10107}, id="no longer the primary"),
    pytest.param({"closeConnection": True}, id="connection closed"),
]


@pytest.mark.parametrize("how", PASSING)
@pytest.mark.parametrize("command", ["getMore", "aggregate", "find"])
def test_an_interrupted_snapshot_goes_on(large: Database[Any], command: str, how: dict[str, Any]) -> None:
    reading = Reading()
    source = source_of(large)
    if command == "getMore":
        reading.add(source.poll(0.1, 1000))
    with failing(large.client, [command], times=2, **how):
        raised = poll_on(source, reading, 20, SNAPSHOT_ROWS)
    raised += poll_on(source, reading, 2)
    source.close()
    assert all(isinstance(error, SourceUnreachable) for error in raised)
    assert reading.ids == list(range(SNAPSHOT_ROWS))
    assert len(set(reading.whole.orders)) == SNAPSHOT_ROWS


@pytest.mark.parametrize("how", PASSING)
def test_an_interrupted_stream_goes_on(fragile: Database[Any], how: dict[str, Any]) -> None:
    fragile["c"].insert_one({"_id": 0})
    reading = read_until_caught_up(fragile)
    source = source_of(fragile, reading)
    reading.add(source.poll(0.1, 10))
    for start in range(1, 401, 100):
        fragile["c"].insert_many([{"_id": start + number} for number in range(100)])
        with failing(fragile.client, ["getMore", "aggregate"], times=2, **how):
            raised = poll_on(source, reading, 20, start + 100)
        raised += poll_on(source, reading, 1)
        assert all(isinstance(error, SourceUnreachable) for error in raised)
    read_until_caught_up(fragile, reading)
    assert reading.ids == list(range(401))


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        (286, ResumePointLost, "larger oplog"),
        (136, ResumePointLost, "oplake destroy"),
        (13, SourceError, "changeStream"),
        (18, SourceError, "authSource"),
        (47, SourceError, "changeStreamPreAndPostImages"),
        (10334, SourceError, "make the document smaller"),
        (9, SourceError, "server's log"),
    ],
)
def test_a_refusal_is_told_with_its_remedy(
    fragile: Database[Any], code: int, kind: type[OplakeError], remedy: str
) -> None:
    fragile["c"].insert_one({"_id": 0})
    reading = read_until_caught_up(fragile)
    source = source_of(fragile, reading)
    with failing(fragile.client, ["getMore", "aggregate"], times=None, errorCode=code):
        raised = poll_on(source, reading, 2)
    assert [type(error) for error in raised] == [kind, kind]
    assert remedy in raised[0].remedy
    assert raised[0].where == f"{fragile.name}.c"


def test_a_change_too_large_for_one_event_is_asked_for_without_its_description(fragile: Database[Any]) -> None:
    fragile["c"].insert_one({"_id": 0})
    reading = read_until_caught_up(fragile)
    source = source_of(fragile, reading)
    fragile["c"].update_one({"_id": 0}, {"$set": {"large": "x" * 1000}})
    with failing(fragile.client, ["getMore"], times=1, errorCode=10334):
        assert poll_on(source, reading, 3) == []
    fragile["c"].insert_one({"_id": 1})
    assert poll_on(source, reading, 3) == []
    assert reading.ids == [0, 0, 1]
    assert final_state(reading.whole) == collection_state(fragile)


def test_documents_that_fill_a_message_each_all_arrive(fragile: Database[Any]) -> None:
    """Some servers put more into one reply than a message may hold; the driver then gives up."""
    reading = read_until_caught_up(fragile)
    source = source_of(fragile, reading)
    reading.add(source.poll(0.1, 10))
    for number in range(4):
        fragile["c"].insert_one({"_id": number, "text": "x" * (15 << 20)})
    resumed = Reading(position=dict(reading.position))
    assert poll_on(source, reading, 12, 4) == []
    fragile["c"].insert_one({"_id": "after"})
    assert poll_on(source, reading, 2) == []
    assert reading.ids == [0, 1, 2, 3, "after"]
    read_until_caught_up(fragile, resumed)
    assert resumed.whole.orders == reading.whole.orders
    snapshot = read_until_caught_up(fragile)
    assert sorted(map(str, snapshot.ids)) == ["0", "1", "2", "3", "after"]
