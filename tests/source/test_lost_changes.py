"""Changes that the oplog no longer holds are always told, whether or not the server tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from engine.errors import ResumePointLost
from engine.source import change_stream
from engine.stack.mongodb import MongoServer
from tests.source.reading import Reading, read_until_caught_up, source_of

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def small_oplog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoClient[Any]]:
    folder = tmp_path_factory.mktemp("small_oplog")
    with MongoServer(folder, oplog_entries=200) as server, MongoClient[Any](server.uri) as client:
        yield client


@pytest.fixture
def forgetful(small_oplog: MongoClient[Any], request: pytest.FixtureRequest) -> Database[Any]:
    return small_oplog[request.node.name[-38:].strip("_")]


def roll_over(database: Database[Any]) -> None:
    for _ in range(10):
        database["other"].insert_many([{} for _ in range(200)])


def test_a_position_older_than_the_oplog_is_told(forgetful: Database[Any]) -> None:
    forgetful["c"].insert_one({"_id": 1})
    reading = read_until_caught_up(forgetful)
    roll_over(forgetful)
    forgetful["c"].insert_one({"_id": 2})
    with pytest.raises(ResumePointLost, match=r"(?s)larger oplog"):
        read_until_caught_up(forgetful, reading)


def test_a_reader_that_was_overtaken_is_told(forgetful: Database[Any]) -> None:
    """This server goes on, without a word, from the oldest change it has; the hole would be silent."""
    forgetful["c"].insert_one({"_id": 0})
    reading = Reading()
    source = source_of(forgetful)
    while not source.caught_up:
        reading.add(source.poll(0.2, 100))
    for start in range(1, 4001, 400):
        forgetful["c"].insert_many([{"_id": start + number} for number in range(400)])
    with pytest.raises(ResumePointLost):  # noqa: PT012 - what was read without a hole may come first
        for _ in range(20):
            reading.add(source.poll(0.2, 1000))
    assert reading.ids == list(range(len(reading.ids)))


def test_a_snapshot_that_outlives_the_oplog_is_told_while_it_runs(
    forgetful: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_stream, "PROVE_EVERY_S", 0.0)
    forgetful["c"].insert_many([{"_id": number} for number in range(100)])
    source = source_of(forgetful)
    assert len(source.poll(0.2, 10)) == 10
    roll_over(forgetful)
    with pytest.raises(ResumePointLost):
        source.poll(0.2, 10)


def test_a_snapshot_that_resumes_after_the_oplog_rolled_over_is_told(forgetful: Database[Any]) -> None:
    forgetful["c"].insert_many([{"_id": number} for number in range(100)])
    reading = Reading()
    reading.add(source_of(forgetful).poll(0.2, 10))
    roll_over(forgetful)
    with pytest.raises(ResumePointLost):
        source_of(forgetful, reading).poll(0.2, 10)


def test_a_half_read_snapshot_whose_last_row_is_gone_is_not_begun_in_the_middle(forgetful: Database[Any]) -> None:
    forgetful["c"].insert_many([{"_id": number} for number in range(10)])
    reading = Reading()
    reading.add(source_of(forgetful).poll(0.2, 4))
    without_rows = Reading(position=dict(reading.position))
    with pytest.raises(ResumePointLost, match=r"last row of the unfinished snapshot"):
        source_of(forgetful, without_rows).poll(0.2, 4)
