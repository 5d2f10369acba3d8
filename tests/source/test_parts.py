from __future__ import annotations

import bson
import pytest
from bson import Timestamp
from bson.raw_bson import RawBSONDocument
from hypothesis import given
from hypothesis import strategies as st

from engine.decode.exact_bson import write_exactly
from engine.errors import CollectionGone, SourceError
from engine.source.batch import Batch
from engine.source.change_event import parse_event
from engine.source.cluster_time import SNAPSHOT, STREAM, order_text, pack, unpack
from engine.source.raw_document import key_of, split_documents
from engine.source.resume_token import is_of_mongodb, sequence_of, time_of
from engine.source.stream_position import StreamPosition
from tests.decode import bson_strategies as bs

SECONDS_2020, SECONDS_2088 = 1_577_836_800, 1_577_836_800 + 2**31 - 1
times = st.builds(Timestamp, st.integers(SECONDS_2020, SECONDS_2088), st.integers(0, 2**32 - 1))


@given(times)
def test_a_packed_cluster_time_fits_a_delta_version_and_comes_back(time: Timestamp) -> None:
    assert 0 <= pack(time) < 2**63
    assert unpack(pack(time)) == time


@given(times, times, st.integers(0, 2**40), st.integers(0, 2**40))
def test_orders_sort_as_time_phase_and_number(one: Timestamp, two: Timestamp, first: int, second: int) -> None:
    texts = [
        order_text(pack(time), phase, number) for time, phase, number in ((one, STREAM, first), (two, STREAM, second))
    ]
    assert (texts[0] < texts[1]) == (((one.time, one.inc), first) < ((two.time, two.inc), second))
    assert order_text(pack(one), SNAPSHOT, second) < texts[0]
    assert {len(text) for text in texts} == {29}


@pytest.mark.parametrize(
    ("data", "time", "sequence"),
    [
        ("826560A1B20000000329295A1004", Timestamp(0x6560A1B2, 3), None),
        (bson.encode({"s": 1, "t": Timestamp(7, 8)}).hex(), None, 1),
        (bson.encode({"t": Timestamp(7, 8)}).hex(), None, None),
        ("ff00", None, None),
        ("not hexadecimal", None, None),
        (5, None, None),
    ],
)
def test_resume_tokens_are_read_in_known_forms_only(data: object, time: Timestamp | None, sequence: int | None) -> None:
    assert (time_of({"_data": data}), sequence_of({"_data": data})) == (time, sequence)
    assert is_of_mongodb({"_data": data}) == (time is not None)


def test_no_resume_token_tells_nothing() -> None:
    assert (time_of(None), sequence_of(None)) == (None, None)


@given(bs.documents())
def test_the_key_is_cut_out_of_a_document_byte_for_byte(document: bytes) -> None:
    assert document[4:].startswith(key_of(document)[4:-1])


def test_the_key_of_a_document_whose_id_stands_elsewhere_is_found() -> None:
    assert key_of(write_exactly({"a": 1, "_id": 5})) == bson.encode({"_id": 5})


@given(st.lists(bs.documents(), max_size=4))
def test_documents_sent_one_after_the_other_are_split(documents: list[bytes]) -> None:
    assert list(split_documents(b"".join(documents))) == documents


@given(st.integers(0, 2**62), st.integers(0, 2**40), st.booleans(), st.integers(0, 2**62), st.integers(0, 2**40))
def test_a_stream_position_comes_back_from_what_is_committed(
    start: int, rows: int, done: bool, time: int, index: int
) -> None:
    position = StreamPosition(start, rows, done, time, index)
    assert StreamPosition.of(position.as_position()) == position
    assert StreamPosition.of({}) == StreamPosition()


def event(kind: str) -> RawBSONDocument:
    return RawBSONDocument(bson.encode({"operationType": kind, "clusterTime": Timestamp(SECONDS_2020, 1)}))


@pytest.mark.parametrize("kind", ["create", "createIndexes", "shardCollection", "modify"])
def test_an_event_that_changes_no_document_is_passed_over(kind: str) -> None:
    assert parse_event(event(kind), "a.b") is None


@pytest.mark.parametrize("kind", ["drop", "rename", "dropDatabase", "invalidate"])
def test_the_end_of_a_collection_is_an_error(kind: str) -> None:
    with pytest.raises(CollectionGone, match=r"a\.b"):
        parse_event(event(kind), "a.b")


def test_an_operation_nobody_knows_stops_the_table_instead_of_being_skipped() -> None:
    with pytest.raises(SourceError, match=r"'teleport'"):
        parse_event(event("teleport"), "a.b")


def test_the_key_of_a_sharded_collection_is_reduced_to_its_id() -> None:
    raw = bson.encode(
        {
            "operationType": "delete",
            "clusterTime": Timestamp(SECONDS_2020, 1),
            "documentKey": {"region": "eu", "_id": 5},
        }
    )
    change = parse_event(RawBSONDocument(raw), "a.b")
    assert change is not None
    assert change.key == bson.encode({"_id": 5})
    assert change.source_time_us == SECONDS_2020 * 1_000_000


def test_batches_join_in_order_and_the_later_position_wins() -> None:
    one = Batch(["c"], ["1"], [1], [b"k"], [b"d"], {"a": 1, "b": 1})
    two = Batch(["d"], ["2"], [2], [b"k"], [None], {"a": 2})
    joined = Batch.concat([one, two])
    assert (list(joined.orders), joined.position, joined.size_bytes) == (["1", "2"], {"a": 2, "b": 1}, 3)
    assert [list(part.orders) for part in joined.chunks(1)] == [["1"], ["2"]]
