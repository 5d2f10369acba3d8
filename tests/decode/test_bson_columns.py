"""Raw documents read as whole columns give the rows that decoding them one by one gives."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import Binary, Decimal128, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from engine.decode import bson_columns, bson_walk, decoder
from engine.decode.bson_columns import read_documents
from engine.decode.decoded import Decoded
from engine.decode.decoder import Decoder
from engine.decode.exact_bson import write_exactly
from engine.decode.keeper import Keeper
from engine.decode.rules import DecodeRules, OnConflict
from engine.errors import TypeConflict
from engine.source.batch import Batch
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct
from tests.decode import bson_strategies as bs
from tests.decode.batches import NOW, batch_of, rebuilt, told
from tests.decode.test_round_trip import FILES, _raw_documents
from tests.decode.test_wire_columns import SLOW_MACHINE, bent, tables


def decoded(
    documents: Sequence[bytes], columns: Struct, rules: DecodeRules | None = None, rows: int | None = None
) -> Decoded:
    """Decoded as whole columns in pieces of so many rows; or, without ``rows``, one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_FEW_ROWS", 10**9 if rows is None else 0)
        patch.setattr(decoder, "_TRIED_ROWS", rows)
        patch.setattr(bson_columns, "_PIECE_ROWS", rows)
        patch.setattr(bson_walk, "_FEW", 2)
        return Decoder(rules).decode(batch_of(documents), columns, NOW)


def same(documents: Sequence[bytes], columns: Struct, rules: DecodeRules | None = None, rows: int = 3) -> Decoded:
    fast, slow = decoded(documents, columns, rules, rows), decoded(documents, columns, rules)
    fast.table.validate(full=True)
    assert told(fast) == told(slow)
    assert fast.table.schema.equals(slow.table.schema, check_metadata=True)
    assert (fast.columns, fast.rescued, fast.widenings) == (slow.columns, slow.rescued, slow.widenings)
    return fast


def fits(documents: Sequence[bytes | None], columns: Struct, rules: DecodeRules | None = None) -> list[bool]:
    read = read_documents(documents, columns, Keeper(rules or DecodeRules(), 0))
    return list(map(bool, read.fits))


@st.composite
def damaged(draw: st.DrawFn, document: bytes) -> bytes:
    """The document with a byte changed, cut off, or put in."""
    at = draw(st.integers(0, len(document) - 1))
    byte = draw(st.sampled_from([b"", b"\0", b"\x01", b"\x02", b"\x7f", b"\x80", b"\xff", document[:at], document]))
    return document[:at] + byte + document[at + draw(st.integers(0, 4)) :]


@SLOW_MACHINE
@given(tables())
def test_documents_that_fit_are_read(table: tuple[Struct, Scalar, list[dict[str, Any]]]) -> None:
    """Otherwise the other tests of this file would compare the slow path with itself."""
    columns, _, documents = table
    assert all(fits([write_exactly(document) for document in documents], columns))


@SLOW_MACHINE
@given(tables(), st.data(), st.integers(1, 4), st.sampled_from(["rescue", "widen"]))
def test_rows_are_the_same_whether_read_as_columns_or_one_by_one(
    table: tuple[Struct, Scalar, list[dict[str, Any]]], data: st.DataObject, rows: int, on_conflict: OnConflict
) -> None:
    columns, _, documents = table
    mixed = [write_exactly(data.draw(bent(document))) for document in documents]
    partitions = frozenset({(name,) for name in data.draw(st.sets(st.sampled_from(list(columns.fields))))})
    fast = same(mixed, columns, DecodeRules(partitions=partitions, on_conflict=on_conflict), rows)
    assert rebuilt(fast) == mixed


@SLOW_MACHINE
@given(st.lists(bs.documents(), min_size=1, max_size=4), st.lists(bs.documents(), max_size=3), st.integers(1, 4))
def test_documents_of_every_type_give_the_same_rows(first: list[bytes], more: list[bytes], rows: int) -> None:
    columns = decoded(first, Struct({})).columns
    documents = first + more
    assert rebuilt(same(documents, columns, rows=rows)) == documents


@SLOW_MACHINE
@given(tables(), st.data())
def test_damaged_bytes_give_the_same_rows_and_harm_no_other(
    table: tuple[Struct, Scalar, list[dict[str, Any]]], data: st.DataObject
) -> None:
    columns, _, documents = table
    raw = [write_exactly(document) for document in documents]
    same([data.draw(damaged(document)) if data.draw(st.booleans()) else document for document in raw], columns)


@pytest.mark.parametrize("path", FILES)
def test_real_collections_give_the_same_rows(path: Path) -> None:
    documents = _raw_documents(path)[:3000]
    columns = decoded(documents[:1000], Struct({})).columns
    same(documents, decoded(documents, columns).columns, rows=700)


OBJECT_ID = ObjectId("0123456789abcdef01234567")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Scalar.INT32, 5.0),
        (Scalar.INT32, 2.5),
        (Scalar.INT32, Int64(5)),
        (Scalar.INT32, True),
        (Scalar.DOUBLE, 5),
        (Scalar.DOUBLE, float("nan")),
        (Scalar.DOUBLE, -0.0),
        (Scalar.STRING, OBJECT_ID),
        (Scalar.STRING, "nul \0 inside"),
        (Scalar.OBJECT_ID, str(OBJECT_ID)),
        (Scalar.DATE, DatetimeMS(-62135596800001)),
        (Scalar.DATE, DatetimeMS(253402300800000)),
        (Scalar.DATE, DatetimeMS(253402300799999)),
        (Scalar.TIMESTAMP, Timestamp(2**32 - 1, 1)),
        (Scalar.BINARY, Binary(b"ab", 5)),
        (Scalar.BINARY, Binary(bytes(16), 4)),
        (Scalar.UUID, Binary(bytes(15), 4)),
        (Scalar.UUID, b"ab"),
        *[
            (Scalar.DECIMAL, Decimal128(text))
            for text in [
                *["0", "-0", "0.00", "1.50", "1E+3", "NaN", "-Infinity", "9" * 34, "0.00000000001", "-9.5"],
                *["9223372036854775807", "9223372036854775808", "-9223372036854775807", "0.0000000001", "100"],
                *["922337203685477580.7", "-18446744073.709551615", "4294967296.4294967296", "-0.0000000001"],
            ]
        ],
        (Scalar.JSON, {"a": [1, None]}),
        (ListOf(Scalar.INT32), 5),
        (ListOf(Scalar.INT32), [None, "5", 5, [5]]),
        (ListOf(Scalar.STRING), [str(number) for number in range(120)]),
        (Struct({"a": Scalar.INT32}), "text"),
        (Struct({"a": Scalar.INT32}), {}),
        (Struct({"a_name_of_more_than_seven": Scalar.INT32}), {"a_name_of_more_than_seven": None}),
        (ListOf(Struct({"a": Scalar.INT32})), [{"a": None}, None, {"a": 2.5}, {}]),
        (ListOf(ListOf(Scalar.STRING)), [["a"], [], None, ["b", None]]),
    ],
)
def test_a_value_that_is_odd_or_a_stranger_in_its_column_is_kept_without_leaving_its_document(
    column: ColumnType, value: object
) -> None:
    documents = [bson.encode({"_id": 1, "v": value, "w": 1}), bson.encode({"_id": 2}), bson.encode({"_id": 3, "w": 2})]
    columns = Struct({"v": column, "w": Scalar.INT32})
    assert fits(documents, columns) == [True] * 3
    assert rebuilt(same(documents, columns)) == documents


def element(kind: int, name: bytes, value: bytes) -> bytes:
    return bytes([kind]) + name + b"\0" + value


def document_of(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return struct.pack("<i", len(body) + 5) + body + b"\0"


ID = element(16, b"_id", struct.pack("<i", 1))
TEXT = struct.pack("<i", 2) + b"x\0"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\0",
        document_of(),
        document_of(element(2, b"s", TEXT)),
        document_of(element(2, b"s", TEXT), ID),
        document_of(ID, element(2, b"s", TEXT), element(2, b"s", TEXT)),
        document_of(ID, element(16, b"n", bytes(4)), element(2, b"s", TEXT)),
        document_of(ID, element(2, b"s", TEXT), element(2, b"new", TEXT)),
        document_of(ID, element(2, b"s", TEXT)) + b"\0",
        document_of(ID, element(2, b"s", TEXT))[:-1],
        document_of(ID, element(2, b"s", TEXT))[:-1] + b"\1",
        document_of(ID, element(2, b"s", struct.pack("<i", 0))),
        document_of(ID, element(2, b"s", struct.pack("<i", -1) + b"x\0")),
        document_of(ID, element(2, b"s", struct.pack("<i", 2**31 - 1) + b"x\0")),
        document_of(ID, element(2, b"s", struct.pack("<i", 3) + b"x\0")),
        document_of(ID, element(2, b"s", struct.pack("<i", 40) + b"x\0")),
        document_of(ID, element(2, b"s", struct.pack("<i", 2) + b"\xff\0")),
        document_of(ID, element(2, b"s", struct.pack("<i", 4) + b"\xed\xa0\x80\0")),
        document_of(ID, element(2, b"s", struct.pack("<i", 2) + b"xy")),
        document_of(ID, element(2, b"s", TEXT), element(8, b"b", b"\2")),
        document_of(ID, element(2, b"s", TEXT), element(8, b"b", b"")),
        document_of(ID, element(2, b"s", TEXT), element(99, b"b", b"")),
        document_of(ID, element(11, b"s", b"pattern")),
        document_of(ID, element(4, b"l", document_of(element(16, b"1", bytes(4))))),
        document_of(ID, element(4, b"l", document_of(element(16, b"0", bytes(4)), element(16, b"0", bytes(4))))),
        document_of(ID, element(4, b"l", document_of(element(16, b"0", bytes(2))))),
        document_of(ID, element(4, b"l", struct.pack("<i", 400))),
        document_of(ID, element(4, b"l", struct.pack("<i", 4) + b"\0")),
        document_of(ID, element(4, b"l", struct.pack("<i", 5) + b"\1")),
        document_of(ID, element(1, b"d", struct.pack("<Q", 0x7FF0_0000_0000_0001))),
    ],
)
def test_what_no_column_can_hold_is_left_to_the_slow_path_and_harms_no_other_document(document: bytes) -> None:
    columns = Struct(
        {
            "s": Scalar.STRING,
            "n": Scalar.INT32,
            "b": Scalar.BOOL,
            "l": ListOf(Scalar.INT32),
            "d": Scalar.DOUBLE,
        }
    )
    good = document_of(ID, element(2, b"s", TEXT), element(4, b"l", document_of(element(16, b"0", bytes(4)))))
    assert fits([good, document, good, None], columns) == [True, False, True, False]
    same([good, document, good], columns)


def test_a_document_that_has_ended_does_not_take_the_next_ones_length_for_a_name() -> None:
    documents = [bson.encode({"_id": 1}), bson.encode({"_id": 2, "a": "x" * 75})]
    assert documents[1][:2] == b"a\0"
    assert fits(documents, Struct({"a": Scalar.STRING})) == [True, True]


def test_documents_with_a_map_are_left_to_the_slow_path_and_the_others_are_not() -> None:
    columns = Struct({"m": MapOf(Scalar.INT32), "v": Scalar.INT32})
    documents = [bson.encode({"_id": 1, "m": {"x": 1}, "v": 1}), bson.encode({"_id": 2, "m": None, "v": 1})]
    assert fits(documents, columns) == [False, True]
    same(documents, columns)


def test_ids_of_every_type_give_the_same_texts() -> None:
    ids = ["x", *bs.MISTAKABLE_IDS, OBJECT_ID, 1, Int64(1), Int64(2**40), 1.0, None, {"a": Int64(1)}, DatetimeMS(5)]
    for first in range(len(ids)):
        documents = [bson.encode({"_id": value}) for value in [*ids[first:], *ids[:first]]]
        assert all(fits(documents, Struct({"v": Scalar.INT32})))
        same(documents, Struct({"v": Scalar.INT32}), rows=100)


def test_deletes_between_the_documents_stay_where_they_are() -> None:
    raw = [bson.encode({"_id": number, "v": number}) for number in range(6)]
    documents = [None if number % 3 == 1 else document for number, document in enumerate(raw)]
    operations: Any = ["d" if document is None else "c" for document in documents]
    batch = Batch(operations, list("abcdef"), [0] * 6, [document[:14] + b"\0" for document in raw], documents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_FEW_ROWS", 0)
        rows = Decoder().decode(batch, Struct({"v": Scalar.INT32}), NOW).table.to_pylist()
    assert [row["v"] for row in rows] == [0, None, 2, 3, None, 5]
    assert [row["_position"] for row in rows] == list("abcdef")


def test_a_conflict_that_is_to_fail_fails() -> None:
    documents = [bson.encode({"_id": 1, "v": value}) for value in (1, "x")]
    with pytest.raises(TypeConflict, match="'v'"):
        decoded(documents, Struct({"v": Scalar.INT32}), DecodeRules(on_conflict="fail"), rows=5)


def test_a_table_with_masks_is_masked() -> None:
    documents = [bson.encode({"_id": 1, "v": "secret"})]
    masked = decoded(documents, Struct({"v": Scalar.STRING}), DecodeRules(masks={("v",): "redact"}), rows=5)
    assert masked.table["v"].to_pylist() == ["***"]
