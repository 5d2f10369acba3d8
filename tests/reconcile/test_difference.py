"""What is said of a document and a row that do not tell the same."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef, Decimal128, ObjectId
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from engine.decode.exact_bson import write_exactly
from engine.decode.narrowed import narrower_before, remember, retyped
from engine.decode.rules import DecodeRules
from engine.reconcile.difference import FieldDifference, Kind, differences
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct
from tests.decode import bson_strategies as bs
from tests.decode.batches import decode

SECRET = "4111-1111"  # noqa: S105 - a value for the tests to look for


def compared(
    source: dict[str, Any], table: dict[str, Any], rules: DecodeRules | None = None, known: list[Any] | None = None
) -> list[tuple[str, str | None, str | None, str]]:
    """What is found when the table was filled from another document, among ``known`` ones."""
    decoded = decode([table, *(known or [])], rules=rules)
    row = decoded.table.to_pylist()[0]
    found = differences(write_exactly(source), row, decoded.columns, rules or DecodeRules())
    return [(one.path, one.source, one.table, one.kind.value) for one in found]


@pytest.mark.parametrize(
    ("source", "table", "expected"),
    [
        (
            {"a": {"b": [{"c": 1}]}},
            {"a": {"b": [{"c": 2}]}},
            ("a.b.0.c", '{"$numberInt":"1"}', '{"$numberInt":"2"}', "value"),
        ),
        ({"a": 5}, {"a": "5"}, ("a", '{"$numberInt":"5"}', '"5"', "type")),
        ({"a": 5}, {"a": Int64(5)}, ("a", '{"$numberInt":"5"}', '{"$numberLong":"5"}', "type")),
        (
            {"a": ObjectId("0" * 24)},
            {"a": "0" * 24},
            ("a", '{"$oid":"000000000000000000000000"}', '"000000000000000000000000"', "type"),
        ),
        ({"a": None}, {}, ("a", "null", None, "missing_field")),
        ({}, {"a": None}, ("a", None, "null", "extra_field")),
        ({"a": 0.0}, {"a": -0.0}, ("a", '{"$numberDouble":"0.0"}', '{"$numberDouble":"-0.0"}', "value")),
        (
            {"a": Decimal128("1.50")},
            {"a": Decimal128("1.5")},
            ("a", '{"$numberDecimal":"1.50"}', '{"$numberDecimal":"1.5"}', "value"),
        ),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, ("a.c", None, '{"$numberInt":"2"}', "extra_field")),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}, ("a", '["b","c"]', '["c","b"]', "order")),
        ({"a": [1, 2]}, {"a": [1]}, ("a.1", '{"$numberInt":"2"}', None, "missing_field")),
        ({"a": [1, 2]}, {"a": [2, 2]}, ("a.0", '{"$numberInt":"1"}', '{"$numberInt":"2"}', "value")),
        ({"a.b": ""}, {"a.b": "x"}, ("a\\.b", '""', '"x"', "value")),
        ({"a": DBRef("c", 1)}, {"a": DBRef("c", 2)}, ("a.$id", '{"$numberInt":"1"}', '{"$numberInt":"2"}', "value")),
        ({"a": []}, {"a": {}}, ("a", "[]", "{}", "type")),
    ],
)
def test_a_difference_is_told_with_its_path_both_values_and_its_kind(
    source: dict[str, Any], table: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    assert compared({"_id": 1} | source, {"_id": 1} | table) == [expected]


def test_a_rescued_value_is_compared_as_the_value_it_is() -> None:
    known = [{"_id": number, "a": number} for number in range(2, 9)]
    assert compared({"_id": 1, "a": "x"}, {"_id": 1, "a": "x"}, known=known) == []
    assert compared({"_id": 1, "a": "x"}, {"_id": 1, "a": "y"}, known=known) == [("a", '"x"', '"y"', "value")]


def test_a_row_from_before_its_column_was_widened_tells_the_same_document() -> None:
    before = decode([{"_id": 1, "a": 5}])
    wider = Struct({"a": Scalar.INT64})
    was = narrower_before(before.columns, wider)
    (rescued,) = remember(before.table.column("_rescued"), was).to_pylist()
    row = before.table.to_pylist()[0] | {"_rescued": rescued}
    assert differences(write_exactly({"_id": 1, "a": 5}), row, wider, DecodeRules()) == ()
    (found,) = differences(write_exactly({"_id": 1, "a": Int64(5)}), row, wider, DecodeRules())
    assert (found.path, found.kind) == ("a", Kind.TYPE)


@pytest.mark.parametrize("mask", ["sha256", "redact", "drop"])
def test_a_masked_field_compares_by_its_mask(mask: str) -> None:
    rules = DecodeRules(masks={("card",): mask})
    document = {"_id": 1, "card": SECRET}
    assert compared(document, document, rules) == []
    assert bool(compared(document, {"_id": 1, "card": "other"}, rules)) == (mask == "sha256")


def shapes(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever BSON holds
    """Documents that have a value at ``a.card``, or where arrays and maps lead to it."""
    return [{"a": {"card": value}}, {"a": [{"card": value}]}, {"m": {"k": {"card": value}}}, {"a": [[{"card": value}]]}]


@pytest.mark.parametrize("number", range(4))
def test_a_masked_value_that_the_table_holds_in_the_clear_is_found_and_not_shown(number: int) -> None:
    """As in a table that was filled before its spec had the mask."""
    rules = DecodeRules(masks={("a", "card"): "sha256", ("m", "card"): "sha256"}, maps=frozenset({("m",)}))
    source = {"_id": 1} | shapes(SECRET)[number]
    plain = decode([source], rules=DecodeRules(maps=frozenset({("m",)})))
    found = differences(write_exactly(source), plain.table.to_pylist()[0], plain.columns, rules)
    assert [(one.kind, one.source, one.table) for one in found] == [(Kind.VALUE, '"***"', '"***"')]
    missing = differences(write_exactly({"_id": 1}), plain.table.to_pylist()[0], plain.columns, rules)
    assert [one.kind for one in missing] == [Kind.EXTRA_FIELD]
    assert SECRET not in str(missing)


def test_a_masked_field_inside_something_that_is_shown_whole_is_hidden_there() -> None:
    rules = DecodeRules(masks={("a", "card"): "sha256"})
    plain = decode([{"_id": 1, "a": {"card": SECRET, "open": "seen"}}])
    (found,) = differences(write_exactly({"_id": 1, "a": "text"}), plain.table.to_pylist()[0], plain.columns, rules)
    assert found == FieldDifference("a", '"text"', '{"card":"***","open":"seen"}', Kind.TYPE)


@pytest.mark.parametrize(
    "rescued", ["{", '{"b.0":1}', '{"l.7":"x"}', '{"\\\\bson":"AAAA"}', "[]", '{"a":{"$oid":"x"}}']
)
def test_a_row_that_no_decoder_made_is_a_difference_and_no_crash(rescued: str) -> None:
    decoded = decode([{"_id": 1, "a": 1, "l": [1]}])
    row = decoded.table.to_pylist()[0] | {"_rescued": rescued}
    assert differences(write_exactly({"_id": 1, "a": 1, "l": [1]}), row, decoded.columns, DecodeRules())


def test_what_no_path_tells_is_still_a_difference() -> None:
    twice = write_exactly({"_id": 1, "a": 1})[:-1] + b"\x10a\0\2\0\0\0" + b"\0"
    raw = len(twice).to_bytes(4, "little") + twice[4:]
    decoded = decode([{"_id": 1, "a": 2}])
    assert [one.kind for one in differences(raw, decoded.table.to_pylist()[0], decoded.columns, DecodeRules())] == [
        Kind.BYTES
    ]


@given(bs.documents(), bs.documents())
def test_there_is_a_difference_exactly_when_the_bytes_differ(one: bytes, other: bytes) -> None:
    decoded = decode([one, other])
    row, rules = decoded.table.to_pylist()[1], DecodeRules()
    assert differences(other, row, decoded.columns, rules) == ()
    assert bool(differences(one, row, decoded.columns, rules)) == (one != other)


@given(st.lists(bs.documents(), min_size=1, max_size=3))
def test_masks_hide_no_difference_in_what_they_do_not_cover(documents: list[bytes]) -> None:
    rules = DecodeRules(masks={("a",): "sha256", ("b", "c"): "redact"}, pins={("d",): MapOf(Scalar.JSON)})
    decoded = decode(documents, rules=rules)
    for document, row in zip(documents, decoded.table.to_pylist(), strict=True):
        assert differences(document, row, decoded.columns, rules) == ()


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        (5.0, {"a": 7}, ("a", '{"$numberInt":"5"}', '{"$numberInt":"7"}')),
        ("text", {"a": 7}, ("a", None, '{"$numberInt":"7"}')),
        (5.0, {"a": None}, ("a", '{"$numberInt":"5"}', None)),
    ],
)
def test_a_column_that_was_bent_beside_the_note_that_tells_its_value_is_found(
    value: object, column: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    document = {"_id": 1, "a": value}
    decoded = decode([document, *({"_id": number, "a": number} for number in range(2, 30))])
    row = decoded.table.to_pylist()[0]
    assert differences(write_exactly(document), row, decoded.columns, DecodeRules()) == ()
    (found,) = differences(write_exactly(document), row | column, decoded.columns, DecodeRules())
    assert (found.path, found.source, found.table, found.kind) == (*expected, Kind.COLUMN)


def test_what_a_masked_column_holds_beside_a_note_is_not_shown() -> None:
    rules = DecodeRules(masks={("a", "card"): "redact"})
    document = {"_id": 1, "a": [{"card": SECRET, "n": 5.0}]}
    decoded = decode([document, *({"_id": number, "a": [{"n": number}]} for number in range(2, 30))], rules=rules)
    row = decoded.table.to_pylist()[0] | {"a": [{"card": SECRET, "n": 6}]}
    row["_rescued"] = '{"a.0.card":"***","a.0.n":{"$numberDouble":"5.0"}}'
    found = differences(write_exactly(document), row, decoded.columns, rules)
    assert [(one.path, one.table) for one in found] == [("a.0.card", '"***"'), ("a.0.n", '{"$numberInt":"6"}')]


def in_columns(value: Any, column: ColumnType) -> Any:  # noqa: ANN401 - whatever Arrow holds
    """A value that came when its column was narrower, as it is after a widening."""
    match column:
        case Struct(fields) if value is not None:
            return {name: in_columns(value[name], fields[name]) for name in value}
        case ListOf(element) if value is not None:
            return [in_columns(item, element) for item in value]
        case Scalar.DOUBLE if value is not None:
            return float(value)
    return value


@given(st.lists(bs.documents(), min_size=1, max_size=4), st.sampled_from([Scalar.INT32, Scalar.INT64, Scalar.DOUBLE]))
def test_a_row_from_before_its_table_grew_and_was_widened_is_no_difference(
    documents: list[bytes], width: Scalar
) -> None:
    """Each document comes when the table has the columns of those before it; then int32 becomes another type."""
    columns, rows = Struct({}), []
    for document in documents:
        decoded = decode([document], columns)
        columns = decoded.columns
        rows.append((decoded.table, columns))
    wide = retyped(columns, lambda _, scalar: width if scalar is Scalar.INT32 else scalar)
    for document, (row, before) in zip(documents, rows, strict=True):
        (held,) = row.to_pylist()
        own = in_columns({name: held[name] for name in before.fields}, wide)
        was = narrower_before(columns, wide)
        (rescued,) = remember(row.column("_rescued"), was).to_pylist() if was else [held["_rescued"]]
        assert differences(document, {**held, **own, "_rescued": rescued}, wide, DecodeRules()) == ()
