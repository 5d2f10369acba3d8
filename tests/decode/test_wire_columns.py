"""Texts read as whole columns give the rows that reading them one by one gives."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary, Decimal128, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.decode import decoder
from engine.decode.decoder import Decoder
from engine.decode.exact_bson import write_exactly
from engine.decode.rules import DecodeRules
from engine.decode.text_lines import TextLines
from engine.decode.wire_columns import WireReader
from engine.source.batch import Batch
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct
from tests.decode import bson_strategies as bs
from tests.decode import legacy_json
from tests.decode.batches import NOW, batch_of, rebuilt
from tests.decode.test_extended_json import carried, json_batch, same

SLOW_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

PLAIN: dict[Scalar, st.SearchStrategy[Any]] = {
    Scalar.STRING: bs.text,
    Scalar.INT32: st.integers(-2_147_479_999, 2_147_479_999),
    Scalar.INT64: st.integers(1 - 9 * 10**18, 9 * 10**18 - 1).map(Int64),
    Scalar.DOUBLE: st.one_of(
        st.floats(-1e299, 1e299).filter(lambda value: value == 0 or abs(value) > 1e-290),
        st.sampled_from([0.0, -0.0, 5.0, 1e7, 0.001, 1e-5, 123456789.125]),
    ),
    Scalar.BOOL: st.booleans(),
    Scalar.OBJECT_ID: bs.object_ids,
    Scalar.UUID: st.uuids().map(lambda value: Binary(value.bytes, 4)),
    Scalar.BINARY: st.binary(max_size=9),
    Scalar.DATE: st.integers(-9_999_999_999_999, 9_999_999_999_999).map(DatetimeMS),
    Scalar.TIMESTAMP: st.builds(Timestamp, st.integers(0, 3_999_999_999), st.just(0)),
    Scalar.DECIMAL: st.one_of(
        st.decimals(-(10**23), 10**23, places=4).filter(lambda value: value != 0),
        st.sampled_from(["0", "0.00", "12.50", "100", "-3", "0.000001", "-0.50", "-0.010"]),
    ).map(lambda value: Decimal128(str(value))),
}
"""Values that the columns hold as they are, in a form that reading whole columns knows."""


@st.composite
def column_types(draw: st.DrawFn, depth: int = 2) -> ColumnType:
    kind = draw(st.sampled_from(["scalar", "scalar", "list", "struct"] if depth else ["scalar"]))
    if kind == "list":
        return ListOf(draw(column_types(depth - 1)))
    if kind == "struct":
        return draw(structs(depth - 1))
    return draw(st.sampled_from(list(PLAIN)))


@st.composite
def structs(draw: st.DrawFn, depth: int = 2) -> Struct:
    return Struct(draw(st.dictionaries(st.sampled_from(["a", "b", "c", "d-e", "ü"]), column_types(depth), min_size=1)))


def values_of(column: ColumnType) -> st.SearchStrategy[Any]:
    match column:
        case ListOf(element):
            return st.lists(st.one_of(values_of(element), st.none()), max_size=3)
        case Struct():
            return documents_of(column)
        case Scalar():
            return PLAIN[column]
    raise TypeError(column)


def documents_of(columns: Struct) -> st.SearchStrategy[Any]:
    """Documents with some of the fields, in the order of the columns."""
    optional = {name: values_of(child) for name, child in columns.fields.items()}
    return st.fixed_dictionaries({}, optional=optional).map(
        lambda document: {name: document[name] for name in columns.fields if name in document}
    )


IDS = st.sampled_from([Scalar.OBJECT_ID, Scalar.INT32, Scalar.INT64, Scalar.STRING, Scalar.UUID])


@st.composite
def tables(draw: st.DrawFn) -> tuple[Struct, Scalar, list[dict[str, Any]]]:
    """Columns, the scalar of ``_id``, and documents that fit."""
    columns, identity = draw(structs()), draw(IDS)
    rows = draw(st.lists(st.tuples(PLAIN[identity], documents_of(columns)), min_size=1, max_size=6))
    return columns, identity, [{"_id": key, **document} for key, document in rows]


@st.composite
def bent(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """The document, or one that fits less."""
    how = draw(st.sampled_from(["not", "not", "value", "null", "order", "field", "id"]))
    if how == "id":
        return {**document, "_id": draw(bs.ids)}
    if how == "order":
        return dict(reversed(document.items()))
    if how == "field":
        return {**document, draw(st.sampled_from(["new", "a", "b", "Ü"])): draw(bs.values)}
    name = draw(st.sampled_from(list(document)))
    return (
        document if how == "not" or name == "_id" else {**document, name: draw(bs.values) if how == "value" else None}
    )


def rules_for(columns: Struct) -> st.SearchStrategy[DecodeRules]:
    """Masks of whole fields, and a partition."""
    names = st.sampled_from([*((name,) for name in columns.fields), ("_id",)])
    masks = st.dictionaries(names, st.sampled_from(["sha256", "redact", "drop"]), max_size=1)
    return st.builds(DecodeRules, masks=masks, partitions=st.frozensets(names, max_size=1))


SECRETS = Struct(
    {
        "email": Scalar.STRING,
        "cards": ListOf(Struct({"number": Scalar.STRING, "year": Scalar.INT32})),
        "person": Struct({"name": Scalar.STRING, "age": Scalar.INT32}),
    }
)
SECRET_TEXTS = [("email",), ("cards", "number"), ("person", "name")]


@SLOW_MACHINE
@given(tables())
def test_documents_that_fit_are_admitted(table: tuple[Struct, Scalar, list[dict[str, Any]]]) -> None:
    """Otherwise the other tests of this file would compare the slow path with itself."""
    columns, identity, documents = table
    texts = [legacy_json.image(document).encode() for document in documents]
    assert WireReader(columns, identity).sort(TextLines(texts)) == (list(range(len(texts))), [])


@SLOW_MACHINE
@given(tables(), st.data(), st.integers(1, 4))
def test_rows_are_the_same_whether_read_as_columns_or_one_by_one(
    table: tuple[Struct, Scalar, list[dict[str, Any]]], data: st.DataObject, rows: int
) -> None:
    columns, _, documents = table
    mixed = [write_exactly(carried(data.draw(bent(document)))) for document in documents]
    rules = data.draw(rules_for(columns))
    expected = Decoder(rules).decode(batch_of(mixed), columns, NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_WIRE_ROWS", rows)
        same(Decoder(rules).decode(json_batch(mixed), columns, NOW), expected)


@SLOW_MACHINE
@given(
    st.lists(documents_of(SECRETS), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(SECRET_TEXTS), st.sampled_from(["sha256", "redact"]), min_size=1),
    st.data(),
)
def test_masked_rows_are_the_same_whether_read_as_columns_or_one_by_one(
    documents: list[dict[str, Any]], masks: dict[tuple[str, ...], str], data: st.DataObject
) -> None:
    whole = [{"_id": number, **document} for number, document in enumerate(documents)]
    mixed = [write_exactly(carried(data.draw(bent(document)))) for document in whole]
    rules = DecodeRules(masks=masks)
    expected = Decoder(rules).decode(batch_of(mixed), SECRETS, NOW)
    same(Decoder(rules).decode(json_batch(mixed), SECRETS, NOW), expected)


@SLOW_MACHINE
@given(tables(), st.data(), st.integers(1, 2))
def test_a_new_table_is_told_the_same_whether_a_sample_or_all_documents_choose_its_columns(
    table: tuple[Struct, Scalar, list[dict[str, Any]]], data: st.DataObject, sample: int
) -> None:
    _, _, documents = table
    mixed = [write_exactly(carried(data.draw(bent(document)))) for document in documents]
    expected = Decoder().decode(batch_of(mixed), Struct({}), NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_SAMPLE_ROWS", sample)
        decoded = Decoder().decode(json_batch(mixed), Struct({}), NOW)
    assert rebuilt(decoded) == rebuilt(expected)
    assert decoded.columns == expected.columns


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (Scalar.INT32, "2.5"),
        (Scalar.INT32, "5.0"),
        (Scalar.INT32, '"5"'),
        (Scalar.INT32, "true"),
        (Scalar.INT32, "2147483648"),
        (Scalar.INT32, '{"$numberLong": "5"}'),
        (Scalar.INT64, "5"),
        (Scalar.INT64, '{"$numberLong": 5}'),
        (Scalar.INT64, '{"$numberLong": "05"}'),
        (Scalar.INT64, '{"$numberLong": "9223372036854775808"}'),
        (Scalar.INT64, '{"$numberLong": "5","x": 1}'),
        (Scalar.INT64, "{}"),
        (Scalar.DOUBLE, "5"),
        (Scalar.DOUBLE, "NaN"),
        (Scalar.DOUBLE, "-Infinity"),
        (Scalar.DOUBLE, '"5.0"'),
        (Scalar.BOOL, "1"),
        (Scalar.BOOL, '"true"'),
        (Scalar.STRING, "5"),
        (Scalar.STRING, '{"$oid": "6b04cc3dcc306fea304c1c34"}'),
        (Scalar.OBJECT_ID, '"6b04cc3dcc306fea304c1c34"'),
        (Scalar.OBJECT_ID, '{"$oid": "6B04CC3DCC306FEA304C1C34"}'),
        (Scalar.DATE, '{"$date": 253402300800000}'),
        (Scalar.DATE, '{"$date": {"$numberLong": "5"}}'),
        (Scalar.TIMESTAMP, '{"$timestamp": {"t": 5,"i": 1}}'),
        (Scalar.TIMESTAMP, '{"$timestamp": {"t": 4294967296,"i": 0}}'),
        (Scalar.BINARY, '{"$binary": "AAH/","$type": "05"}'),
        (Scalar.BINARY, '{"$binary": "AB==","$type": "00"}'),
        (Scalar.UUID, '{"$binary": "AAH/","$type": "04"}'),
        (Scalar.DECIMAL, '{"$numberDecimal": "NaN"}'),
        (Scalar.DECIMAL, '{"$numberDecimal": "1E+3"}'),
        (Scalar.DECIMAL, '{"$numberDecimal": "-0.00"}'),
        (Scalar.DECIMAL, '{"$numberDecimal": "0.00000000001"}'),
        (Scalar.DECIMAL, "5"),
        (ListOf(Scalar.DOUBLE), "[5.0,5]"),
        (ListOf(Scalar.INT32), "5"),
        (ListOf(Struct({"a": Scalar.DOUBLE})), '[{"a": 5.0},{"a": 5}]'),
        (Struct({"a": Scalar.INT32}), '{"b": 1}'),
        (Struct({"a": Scalar.INT32}), '{"a": 1,"a": 2}'),
        (Struct({"a": Scalar.INT32, "b": Scalar.INT32}), '{"b": 1,"a": 2}'),
        (ListOf(Struct({"a": Scalar.INT32})), '[{"a": null}]'),
        (Struct({"v": Scalar.INT32}), '{"v": null}'),
        (Struct({"a": Scalar.INT32}), "[]"),
        (MapOf(Scalar.INT32), '{"a": 1}'),
        (Scalar.JSON, "5"),
    ],
)
def test_what_a_column_does_not_hold_as_it_is_is_left_to_the_slow_path(column: ColumnType, text: str) -> None:
    documents = [f'{{"_id": 1,"v": {text}}}'.encode(), b'{"_id": 1}', None]
    assert WireReader(Struct({"v": column}), Scalar.INT32).sort(TextLines(documents)) == ([1], [0, 2])


@pytest.mark.parametrize(
    "text",
    [
        b'{"_id": 1,"w": "a","v": 1}',
        b'{"_id": 1,"v": 1,"new": 1}',
        b'{"_id": 1,"v": 1,"v": 2}',
        b'{"v": 1,"_id": 1}',
        b'{"_id": "1","v": 1}',
        b'{"_id": 1,"\\u0076": 1}',
        b'{"_id": 1}{"_id": 1}',
        b'{"_id": 1,"w": "a\nb"}',
        b'{"_id": 1}\n{"_id": 1}',
        b'{"_id": 1}\n',
        b'\n{"_id": 1}',
        b'{"_id": 1,"w": "\xff"}',
        b"",
    ],
)
def test_documents_with_other_fields_another_order_or_two_in_one_are_left_to_the_slow_path(text: bytes) -> None:
    columns = Struct({"v": Scalar.INT32, "w": Scalar.STRING})
    assert WireReader(columns, Scalar.INT32).sort(TextLines([text])) == ([], [0])


@pytest.mark.parametrize(
    "text", [b'{"_id": 2,"a": {"x": 1"y": 1}}', b'{"_id": 2,"a": {"x": 1,}}', b'{"_id": 2,"t": "\\q"}']
)
def test_what_is_admitted_and_is_no_json_harms_no_other_row(text: bytes) -> None:
    columns = Struct({"a": Struct({"x": Scalar.INT32, "y": Scalar.INT32}), "t": Scalar.STRING})
    texts = [b'{"_id": 1,"a": {"x": 1,"y": 2}}', text, b'{"_id": 3,"t": "ok"}']
    assert WireReader(columns, Scalar.INT32).sort(TextLines(texts)) == ([0, 1, 2], [])
    batch = Batch(["c"] * 3, ["1", "2", "3"], [0] * 3, [b'{"_id": 2}'] * 3, texts, {}, "extended_json")
    rows = Decoder().decode(batch, columns, NOW).table.to_pylist()
    assert [(row["a"], row["t"]) for row in rows] == [({"x": 1, "y": 2}, None), (None, None), (None, "ok")]
    assert [row["_rescued"] is None for row in rows] == [True, False, True]


def test_masked_texts_are_read_as_whole_columns() -> None:
    """Otherwise a table with a mask would be read at a tenth of the pace."""
    masks = {("email",): "sha256", ("cards", "number"): "redact"}
    columns = Struct({"email": Scalar.STRING, "cards": ListOf(Struct({"number": Scalar.STRING}))})
    assert WireReader(columns, Scalar.INT32, masks).pays
    assert not WireReader(columns, Scalar.INT32, masks | {("ssn",): "drop"}).pays
    assert not WireReader(columns, Scalar.INT32, masks | {("_id",): "sha256"}).pays


def test_what_a_folder_cannot_be_named_after_is_kept_beside_the_column_that_partitions() -> None:
    columns = Struct({"city": Scalar.STRING})
    documents = [b'{"_id": 1,"city": "Ulm"}', b'{"_id": 2,"city": ""}']
    batch = Batch(["c"] * 2, ["1", "2"], [0] * 2, [b""] * 2, documents, {}, "extended_json")
    rows = Decoder(DecodeRules(partitions=frozenset({("city",)}))).decode(batch, columns, NOW).table.to_pylist()
    assert [(row["city"], row["_rescued"]) for row in rows] == [("Ulm", None), (None, '{"city":""}')]


def test_a_table_with_masks_is_masked_whatever_its_documents_look_like() -> None:
    columns = Struct({"ssn": Scalar.STRING})
    batch = Batch(["c"], ["1"], [0], [b""], [b'{"_id": 1,"ssn": "secret"}'], {}, "extended_json")
    decoded = Decoder(DecodeRules(masks={("ssn",): "redact"})).decode(batch, columns, NOW)
    assert decoded.table["ssn"].to_pylist() == ["***"]


def test_explicit_nulls_in_fields_with_a_name_of_their_own_are_kept_apart_from_missing_fields() -> None:
    columns = Struct({"v": Scalar.INT64, "a": Struct({"x": Scalar.STRING, "y": ListOf(Scalar.INT32)})})
    documents = [
        b'{"_id": 1,"v": null,"a": {"x": null,"y": null}}',
        b'{"_id": 2,"a": {"x": "\\"v\\": null"}}',
        b'{"_id": 3,"v": {"$numberLong": "1"},"a": null}',
        b'{"_id": 4,"a": {"y": [null]}}',
    ]
    assert WireReader(columns, Scalar.INT32).sort(TextLines(documents)) == ([0, 1, 2, 3], [])
    batch = Batch(["c"] * 4, list("1234"), [0] * 4, [b""] * 4, documents, {}, "extended_json")
    rows = Decoder().decode(batch, columns, NOW).table.to_pylist()
    assert [row["_rescued"] for row in rows] == ['{"a.x":null,"a.y":null,"v":null}', None, '{"a":null}', None]
    assert [row["a"] for row in rows[2:]] == [None, {"x": None, "y": [None]}]


def test_a_table_of_very_many_columns_is_read_one_by_one() -> None:
    """Its expression would have more states than the matcher keeps."""
    columns = Struct({f"field_{number}": Scalar.STRING for number in range(500)})
    assert not WireReader(columns, Scalar.INT32).pays
    batch = Batch(["c"], ["1"], [0], [b""], [b'{"_id": 1,"field_7": "x"}'], {}, "extended_json")
    assert Decoder().decode(batch, columns, NOW).table["field_7"].to_pylist() == ["x"]
