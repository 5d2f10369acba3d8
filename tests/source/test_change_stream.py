from __future__ import annotations

import random
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import Binary, Decimal128, MaxKey, MinKey, ObjectId, Timestamp
from bson.int64 import Int64
from pymongo.database import Database

from engine.errors import CollectionGone, RetryableError, SourceError
from engine.source import change_stream, milestone
from engine.source.change_stream import ChangeStreamSource
from engine.source.cluster_time import STREAM, order_text
from engine.source.probe import connect
from engine.stack.mongodb import MongoServer
from tests.source.reading import Reading, collection_state, final_state, read_until_caught_up, source_of

pytestmark = pytest.mark.server

IDS = [
    MinKey(),
    None,
    1,
    Int64(2**40),
    2.5,
    Decimal128("3.5"),
    "1",
    "",
    {"a": 1},
    {"a": "1"},
    Binary(b"x", 5),
    ObjectId("0" * 24),
    False,
    True,
    datetime(2024, 1, 1),  # noqa: DTZ001 - PyMongo's decoded dates are naive UTC
    Timestamp(5, 6),
    MaxKey(),
]


def test_ids_of_every_type_arrive_from_every_resume_point(database: Database[Any]) -> None:
    database["c"].insert_many([{"_id": value, "n": number} for number, value in enumerate(IDS)])
    whole = read_until_caught_up(database)
    assert sorted(map(str, whole.ids)) == sorted(map(str, IDS))
    for rows in range(1, len(IDS)):
        first = Reading()
        source = source_of(database)
        first.add(source.poll(0.2, rows))
        assert len(first.whole) == rows
        resumed = read_until_caught_up(database, first)
        assert resumed.whole.keys == whole.whole.keys


def test_a_range_predicate_would_pass_over_other_types_in_silence(database: Database[Any]) -> None:
    """The trap that ``min`` with ``hint`` avoids: comparison brackets by BSON type."""
    database["c"].insert_many([{"_id": value} for value in IDS])
    beyond = len(list(database["c"].find({"_id": {"$gt": 2.5}})))
    assert beyond < len(IDS) - 1 - IDS.index(2.5)


def test_a_snapshot_goes_on_after_a_document_that_is_gone(database: Database[Any]) -> None:
    database["c"].insert_many([{"_id": number} for number in range(10)])
    first = Reading()
    first.add(source_of(database).poll(0.2, 4))
    database["c"].delete_one({"_id": 3})
    resumed = read_until_caught_up(database, first)
    reads = [row for row, operation in zip(resumed.ids, resumed.whole.operations, strict=True) if operation == "r"]
    assert reads == list(range(10))
    assert final_state(resumed.whole) == collection_state(database)


@pytest.mark.parametrize("max_rows", [10_000, 37])
def test_nothing_is_lost_or_doubled_between_snapshot_and_stream(database: Database[Any], max_rows: int) -> None:
    collection = database["c"]
    collection.insert_many([{"_id": number, "n": 0} for number in range(300)])
    done = threading.Event()

    def write() -> None:
        choose = random.Random(7)  # noqa: S311 - a workload
        for number in range(300, 900):
            collection.insert_one({"_id": number, "n": 0})
            collection.update_one({"_id": choose.randrange(number)}, {"$inc": {"n": 1}})
            collection.delete_one({"_id": choose.randrange(number)})
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reading = Reading()
    source = source_of(database)
    while not done.is_set():
        reading.add(source.poll(0.05, max_rows))
    writer.join()
    read_until_caught_up(database, reading, max_rows)
    orders = list(reading.whole.orders)
    assert orders == sorted(set(orders))
    assert all(len(order) <= 32 for order in orders), "Delta's statistics cut longer text"
    assert final_state(reading.whole) == collection_state(database)


@pytest.mark.parametrize("max_rows", [1, 2, 3, 7])
def test_resuming_at_every_batch_reads_the_same_changes(database: Database[Any], max_rows: int) -> None:
    collection = database["c"]
    collection.insert_one({"_id": 0})
    start = read_until_caught_up(database)
    with database.client.start_session() as session, session.start_transaction():
        for number in range(1, 6):
            collection.insert_one({"_id": number}, session=session)
    collection.update_one({"_id": 1}, {"$set": {"x": 1}})
    collection.delete_many({"_id": {"$in": [2, 3]}})
    whole = read_until_caught_up(database, Reading(position=dict(start.position)))
    assert len({order[:16] for order in whole.whole.orders[:5]}) == 1, "a transaction has one cluster time"
    pieces = Reading(position=dict(start.position))
    while len(pieces.whole) < len(whole.whole):
        source = source_of(database, pieces)
        batch = source.poll(5, max_rows)
        assert len(batch) <= max_rows
        pieces.add(batch)
        source.close()
    assert pieces.whole.orders == whole.whole.orders
    assert pieces.whole.keys == whole.whole.keys
    assert list(pieces.whole.operations) == ["c"] * 5 + ["u", "d", "d"]


def test_each_operation_becomes_its_letter_and_image(database: Database[Any]) -> None:
    collection = database["c"]
    start = read_until_caught_up(database)
    collection.insert_one({"_id": 1, "a": 1})
    collection.update_one({"_id": 1}, {"$set": {"a": 2}})
    collection.replace_one({"_id": 1}, {"b": 3})
    collection.insert_one({"_id": 2})
    collection.update_one({"_id": 2}, {"$set": {"a": 2}})
    collection.delete_one({"_id": 2})
    batch = read_until_caught_up(database, Reading(position=dict(start.position))).whole
    assert list(batch.operations) == ["c", "u", "u", "c", "u", "d"]
    images = [None if document is None else bson.decode(document) for document in batch.documents]
    assert images[0] == {"_id": 1, "a": 1}
    assert images[2] == {"_id": 1, "b": 3}
    assert images[4] is None, "the looked-up document is gone"
    assert images[5] is None
    assert all(abs(time_us / 1e6 - time.time()) < 600 for time_us in batch.source_times_us)


@pytest.mark.parametrize("end", ["drop", "rename", "drop database"])
def test_a_collection_that_ends_is_told_with_the_remedy(database: Database[Any], end: str) -> None:
    database["c"].insert_one({"_id": 1})
    source = source_of(database)
    assert len(source.poll(1, 10)) == 1
    source.poll(0.1, 10)
    if end == "drop":
        database["c"].drop()
    elif end == "rename":
        database["c"].rename("d")
    else:
        database.client.drop_database(database.name)
    with pytest.raises(CollectionGone, match=r"oplake destroy"):  # noqa: PT012 - it comes with one of the reads
        for _ in range(50):
            source.poll(0.2, 10)
    with pytest.raises(CollectionGone):
        source.poll(0.2, 10)


def test_a_collection_that_ends_stops_no_stream_of_another(
    database: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_stream, "PROVE_EVERY_S", 0.0)
    database["c"].insert_one({"_id": 1})
    source = source_of(database)
    assert len(source.poll(1, 10)) == 1
    for _ in range(10):
        database["other"].insert_one({"_id": 1})
        database["other"].drop()
        assert len(source.poll(0.2, 10)) == 0
    database["c"].insert_one({"_id": 2})
    assert bson.decode(source.poll(60, 10).keys[0])["_id"] == 2


def test_changes_before_the_end_of_a_collection_are_given_first(database: Database[Any]) -> None:
    database["c"].insert_one({"_id": 1})
    reading = read_until_caught_up(database)
    database["c"].insert_many([{"_id": 2}, {"_id": 3}])
    database["c"].drop()
    source = source_of(database, reading)
    reading.add(source.poll(5, 100))
    assert reading.ids == [1, 2, 3]
    with pytest.raises(CollectionGone):
        source.poll(5, 100)
    with pytest.raises(CollectionGone):
        source_of(database, reading).poll(5, 100)


@pytest.fixture
def frequent_milestones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milestone, "SET_EVERY_S", 0.0)


@pytest.mark.usefixtures("frequent_milestones")
def test_an_idle_collection_moves_on_while_others_are_written(database: Database[Any]) -> None:
    database["c"].insert_one({"_id": 1})
    reading = read_until_caught_up(database)
    before = reading.position["stream.time"]
    source = source_of(database, reading)
    database["other"].insert_many([{} for _ in range(50)])
    deadline = time.monotonic() + 20
    while reading.position["stream.time"] <= before and time.monotonic() < deadline:
        database["other"].insert_one({})
        reading.add(source.poll(0.3, 10))
    assert reading.position["stream.time"] > before
    database["c"].insert_one({"_id": 2})
    read_until_caught_up(database, reading)
    assert reading.ids == [1, 2]


@pytest.mark.usefixtures("frequent_milestones")
def test_no_position_on_the_way_skips_or_repeats_a_change(database: Database[Any]) -> None:
    """Whatever is written meanwhile, and by how many: every position parts what was read from what was not."""
    done = threading.Event()
    writers = [threading.Thread(target=write_for_a_while, args=(database, seed, done)) for seed in range(4)]
    for writer in writers:
        writer.start()
    reading, checkpoints = Reading(), []
    choose = random.Random(1)  # noqa: S311 - a workload
    source, until = source_of(database), time.monotonic() + 6
    while time.monotonic() < until:
        reading.add(source.poll(0.01, choose.choice([1, 7, 50, 1000])))
        checkpoints.append((len(reading.whole), dict(reading.position)))
        if choose.random() < 0.05:
            source.close()
            source = source_of(database, reading)
    done.set()
    for writer in writers:
        writer.join()
    source.close()
    read_until_caught_up(database, reading)
    orders = list(reading.whole.orders)
    assert orders == sorted(set(orders))
    assert final_state(reading.whole) == collection_state(database)
    streaming = [(rows, position) for rows, position in checkpoints if position["snapshot.done"]]
    assert any(position["stream.index"] == 0 for _, position in streaming), "no position was advanced while idle"
    for rows, position in streaming:
        next_order = order_text(position["stream.time"], STREAM, position["stream.index"])
        assert all(order < next_order for order in orders[:rows])
        assert all(order >= next_order for order in orders[rows:])
    again = read_until_caught_up(database, Reading(position={**reading.position, **streaming[0][1]}))
    assert list(again.whole.orders) == orders[streaming[0][0] :]


def write_for_a_while(database: Database[Any], seed: int, done: threading.Event) -> None:
    choose = random.Random(seed)  # noqa: S311 - a workload
    collection, number = database["c"], 0
    while not done.is_set():
        number += 1
        time.sleep(choose.random() * 0.5)
        if choose.random() < 0.3:
            with database.client.start_session() as session, session.start_transaction():
                database["other"].insert_one({}, session=session)
                collection.insert_many([{"_id": f"{seed}.{number}.{row}"} for row in range(3)], session=session)
        else:
            collection.insert_many([{"_id": f"{seed}.{number}.{row}"} for row in range(choose.randrange(1, 6))])
            collection.update_one({"_id": f"{seed}.{choose.randrange(number) + 1}.0"}, {"$inc": {"n": 1}})
            collection.delete_one({"_id": f"{seed}.{choose.randrange(number) + 1}.1"})


def test_snapshot_no_data_begins_with_changes(database: Database[Any]) -> None:
    database["c"].insert_one({"_id": "old"})
    reading = Reading()
    source = source_of(database, snapshot="no_data")
    reading.add(source.poll(0.1, 10))
    database["c"].insert_one({"_id": "new"})
    read_until_caught_up(database, reading, snapshot="no_data")
    assert reading.ids == ["new"]


def test_an_empty_collection_and_a_missing_one_are_just_empty(database: Database[Any]) -> None:
    reading = read_until_caught_up(database)
    assert len(reading.whole) == 0
    assert reading.position["snapshot.done"] == 1


def test_a_killed_server_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    with MongoServer(tmp_path, durable=True) as server, connect(server.uri, 2000) as client:
        database = client["d"]
        database["c"].insert_many([{"_id": number} for number in range(100)])
        reading = read_until_caught_up(database)
        source = source_of(database, reading)
        server.kill()
        with pytest.raises(RetryableError):  # noqa: PT012 - the driver may survive the first reads
            for _ in range(10):
                reading.add(source.poll(0.2, 10))
        server.start()
        database["c"].insert_many([{"_id": number} for number in range(100, 150)])
        read_until_caught_up(database, reading)
        assert sorted(reading.ids) == list(range(150))


@pytest.mark.parametrize("uri", ["mongodb://user:hunter2@", "mongodb://user:hunter2@host:port/", "user:hunter2@host"])
def test_a_wrong_connection_string_does_not_show_its_password(uri: str) -> None:
    with pytest.raises(SourceError) as failure:
        connect(uri)
    assert "hunter2" not in f"{failure.value!r} {failure.value}"


def test_no_server_is_a_retryable_error_that_says_what_to_check() -> None:
    client = connect("mongodb://user:hunter2@127.0.0.1:9/?replicaSet=x", 300)
    source = ChangeStreamSource(client, "a.b", {})
    with pytest.raises(RetryableError, match=r"mongodb\.uri") as failure:
        source.poll(0.1, 1)
    assert "hunter2" not in str(failure.value)
