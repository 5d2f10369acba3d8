"""What two digests being equal, or not, says of the rows (docs/reconciliation.md)."""

from __future__ import annotations

import random
import struct
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from bson import Decimal128, ObjectId
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from engine.decode.arrow_types import arrow_field, arrow_schema
from engine.errors import InternalError, LakeError
from engine.reconcile.fingerprint import CANONICAL_FORM, KEY_BYTES, Fingerprint, fingerprint, new_key, row_digests
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct
from tests.decode import bson_strategies as bs
from tests.decode.batches import decode

KEY = bytes(KEY_BYTES)
MOMENT = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
PAYLOAD_NAN = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000123))[0]


def digests(table: pa.Table, columns: Struct, key: bytes = KEY) -> list[tuple[int, ...]]:
    return [tuple(map(int, row)) for row in row_digests(table, columns, key)]


def of(values: list[Any], column: ColumnType) -> list[tuple[int, ...]]:
    """The digests of rows that differ in one column only."""
    field = arrow_field("v", column)
    count = len(values)
    table = pa.table(
        [pa.array(values, field.type), pa.array(["i"] * count), pa.nulls(count, pa.string())],
        schema=pa.schema([field, ("_id", pa.string()), ("_rescued", pa.string())]),
    )
    return digests(table, Struct({"v": column}))


@given(st.lists(bs.documents(), min_size=1, max_size=5), st.lists(bs.documents(), min_size=1, max_size=5))
def test_digests_are_equal_exactly_when_the_documents_are(first: list[bytes], second: list[bytes]) -> None:
    """Decoded into the same columns, over all BSON types."""
    together = decode([*first, *second])
    found = digests(together.table, together.columns)
    for document, digest in zip(first, found, strict=False):
        assert [digest == other for other in found[len(first) :]] == [document == other for other in second]


@given(st.lists(bs.documents(), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_and_the_parting_of_rows_do_not_matter(documents: list[bytes], chance: random.Random) -> None:
    decoded = decode(documents)
    table, columns = decoded.table, decoded.columns
    order = list(range(len(documents)))
    chance.shuffle(order)
    cut = chance.randrange(len(order) + 1)
    whole = fingerprint(table, columns, KEY)
    assert fingerprint(table.take(order), columns, KEY) == whole
    assert fingerprint(table.slice(0, cut), columns, KEY) + fingerprint(table.slice(cut), columns, KEY) == whole
    assert digests(table.slice(cut), columns) == digests(table, columns)[cut:]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (Scalar.DOUBLE, [0.0, -0.0, float("nan"), PAYLOAD_NAN, 1.0, float("inf"), None]),
        (Scalar.STRING, ["", "\0", "\0\0", "a", "a\0", "aaaaaaaa", "aaaaaaaa\0", "aaaaaaab", "baaaaaaa", None]),
        (Scalar.BINARY, [b"", b"\0", b"\xff" * 8, b"\xff" * 9, b"\xff" * 16, None]),
        (Scalar.INT32, [0, 1, -1, 2**31 - 1, -(2**31), None]),
        (Scalar.INT64, [0, 1, -1, 2**63 - 1, -(2**63), None]),
        (Scalar.BOOL, [True, False, None]),
        (ListOf(Scalar.INT32), [[], [None], [None, None], [0], [0, None], [None, 0], [1, 2], [2, 1], [1, 2, 2], None]),
        (ListOf(Scalar.STRING), [[], [""], ["", ""], ["a", "b"], ["ab"], ["ab", ""], ["", "ab"], None]),
        (ListOf(ListOf(Scalar.INT32)), [[], [[]], [[], []], [[1], [2]], [[1, 2]], [[1, 2], []], [[], [1, 2]], [None]]),
        (MapOf(Scalar.INT32), [[], [("a", 1)], [("a", 2)], [("b", 1)], [("a", None)], [("a", 1), ("b", 2)], None]),
        (MapOf(Scalar.INT32), [[("a", 1), ("b", 2)], [("b", 2), ("a", 1)], [("a", 2), ("b", 1)]]),
        (Struct({"a": Scalar.INT32, "b": Scalar.INT32}), [{}, {"a": 0}, {"b": 0}, {"a": 1, "b": 2}, {"a": 2, "b": 1}]),
        (Struct({"a": Struct({"b": Scalar.INT32})}), [None, {}, {"a": {}}, {"a": {"b": 0}}]),
    ],
)
def test_values_that_differ_have_digests_that_differ(column: ColumnType, values: list[Any]) -> None:
    assert len(set(of(values, column))) == len(values)


@pytest.mark.parametrize("longest", [8, 40, 127, 128, 400])
def test_a_text_has_its_own_digest_whatever_texts_stand_around_it(longest: int) -> None:
    """Short texts are mixed in another way than long ones, and columns of both as the longest one asks."""
    chance = random.Random(longest)  # noqa: S311  repeats
    texts = ["", "\0" * 7, *("".join(chance.choices("ab\0é", k=chance.randrange(longest // 2))) for _ in range(60))]
    texts += ["x" * longest, None, "y" * (longest - 1)]
    chance.shuffle(texts)
    together = of(texts, Scalar.STRING)
    assert together == [of([text], Scalar.STRING)[0] for text in texts]
    assert together == of([*texts, "z" * 1000], Scalar.STRING)[:-1]


def test_the_same_text_in_another_type_is_another_digest() -> None:
    text = "0123456789abcdef01234567"
    assert of([text], Scalar.STRING) != of([text], Scalar.OBJECT_ID)
    assert of([5], Scalar.INT32) != of([5], Scalar.INT64)
    documents = [{"_id": 1, "n": value} for value in (5, Int64(5), 5.0, "5", Decimal128("5"))]
    decoded = decode(documents)
    assert len(set(digests(decoded.table, decoded.columns))) == len(documents)


def test_null_missing_and_empty_are_three_things() -> None:
    decoded = decode([{"_id": 1}, {"_id": 1, "a": None}, {"_id": 1, "a": ""}, {"_id": 1, "a": "x"}])
    assert len(set(digests(decoded.table, decoded.columns))) == 4


def test_a_column_that_is_absent_equals_one_that_is_null_in_every_row() -> None:
    short = decode([{"_id": 1, "a": {"x": 1}, "l": [{"x": 1}]}])
    wide = decode([{"_id": 2, "a": {"x": 1, "y": [1]}, "l": [{"x": 1, "y": 1}], "b": {"c": "d"}}], short.columns)
    again = decode([{"_id": 1, "a": {"x": 1}, "l": [{"x": 1}]}], wide.columns)
    assert digests(short.table, wide.columns) == digests(again.table, wide.columns)


def test_the_declared_order_of_columns_does_not_matter() -> None:
    decoded = decode([{"_id": 1, "a": 1, "b": {"x": 1, "y": "z"}}])
    turned = Struct({"b": Struct({"y": Scalar.STRING, "x": Scalar.INT32}), "a": Scalar.INT32})
    rows = [{name: row[name] for name in ("b", "a", "_rescued", "_id")} for row in decoded.table.to_pylist()]
    schema = pa.schema([*arrow_schema(turned), ("_rescued", pa.string()), ("_id", pa.string())])
    assert digests(pa.Table.from_pylist(rows, schema), turned) == digests(decoded.table, decoded.columns, KEY)


def test_values_that_changed_places_between_fields_or_rows_do_not_cancel_out() -> None:
    documents = [{"_id": 1, "a": 1, "b": 2}, {"_id": 2, "a": 3, "b": 4}]
    decoded = decode(documents)
    whole = fingerprint(decoded.table, decoded.columns, KEY)
    for bent in (
        [{"_id": 1, "a": 2, "b": 1}, documents[1]],
        [{"_id": 1, "a": 3, "b": 2}, {"_id": 2, "a": 1, "b": 4}],
        [{"_id": 2, "a": 1, "b": 2}, {"_id": 1, "a": 3, "b": 4}],
    ):
        assert fingerprint(decode(bent, decoded.columns).table, decoded.columns, KEY) != whole


def test_rows_that_come_twice_do_not_cancel_out() -> None:
    decoded = decode([{"_id": 1, "a": 1}])
    once = fingerprint(decoded.table, decoded.columns, KEY)
    assert len({once, once + once, once + once + once, Fingerprint()}) == 4


def test_another_key_gives_digests_that_tell_nothing_of_the_first() -> None:
    decoded = decode([{"_id": ObjectId(), "a": number} for number in range(50)])
    one, other = (row_digests(decoded.table, decoded.columns, key) for key in (new_key(), new_key()))
    assert not np.isin(one, other).any()


def test_what_lies_in_the_buffers_under_a_null_does_not_matter() -> None:
    mask = pa.array([True, False])
    field = arrow_field("v", ListOf(Scalar.INT32))
    hidden = pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), pa.array([7, 8, 9], pa.int32()), mask=mask)
    rows = pa.schema([field, ("_id", pa.string()), ("_rescued", pa.string())])
    system = [pa.array(["i", "i"]), pa.nulls(2, pa.string())]
    table = pa.table([hidden.cast(field.type), *system], schema=rows)
    assert digests(table, Struct({"v": ListOf(Scalar.INT32)})) == of([None, [9]], ListOf(Scalar.INT32))


def test_what_a_reader_gives_as_views_or_large_texts_is_the_same_text() -> None:
    decoded = decode([{"_id": str(number), "a": "x" * number, "b": [b"y" * number]} for number in range(20)])
    for name, kind in (("a", pa.string_view()), ("a", pa.large_string()), ("b", pa.large_list(pa.binary_view()))):
        place = decoded.table.schema.get_field_index(name)
        viewed = decoded.table.set_column(place, name, decoded.table.column(name).cast(kind))
        assert digests(viewed, decoded.columns) == digests(decoded.table, decoded.columns, KEY)


def test_a_column_nobody_compares_and_one_of_another_type_are_refused() -> None:
    decoded = decode([{"_id": 1, "a": 1, "b": 1}])
    with pytest.raises(InternalError, match="b"):
        row_digests(decoded.table, Struct({"a": Scalar.INT32}), KEY)
    with pytest.raises(LakeError, match="'a' is of type int32"):
        row_digests(decoded.table, Struct({"a": Scalar.STRING, "b": Scalar.INT32}), KEY)


def test_digests_that_change_come_with_another_number_of_the_canonical_form() -> None:
    """A pass that was cut off compares what an older version has spilled with what this one reads."""
    scalars = {"i": 7, "l": Int64(-7), "d": -0.0, "s": "text of some words", "e": "", "b": b"\xff" * 9, "t": True}
    nested = {"a": ["one", "", "a longer text"], "o": {"p": {"q": [[1], []]}}, "w": MOMENT, "m": Decimal128("1.50")}
    found = decode([{"_id": ObjectId("0123456789abcdef01234567"), **scalars, **nested}, {"_id": "two", "x": None}])
    mapped = of([[("a", 1), ("b", None)]], MapOf(Scalar.INT32))
    words = [f"{word:016x}" for row in [*digests(found.table, found.columns), *mapped] for word in row]
    assert (CANONICAL_FORM, words) == (
        1,
        [
            *("c069534d4dfc14bc", "d37e59cf7fc2f72d"),
            *("6499902d1f3e6a2a", "1d08ead8f59a3875"),
            *("7ab2b673f13b1096", "9f1a4725e3852512"),
        ],
    )


def test_digests_of_near_equal_rows_are_spread_over_both_lanes() -> None:
    """A lane whose bits hardly differ between neighbours would make sums meet sooner than chance does."""
    found = np.array(of(list(range(4096)), Scalar.INT64), dtype=np.uint64)
    for lane in found.T:
        bits = np.unpackbits(np.ascontiguousarray(lane).view(np.uint8)).reshape(-1, 64).mean(axis=0)
        assert len(set(lane.tolist())) == len(lane)
        assert 0.4 < bits.min() < bits.max() < 0.6
