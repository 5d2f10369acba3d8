from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal

import bson
import pyarrow as pa
import pytest
from bson import Binary, Code, DBRef, Decimal128, MaxKey, ObjectId, Regex, Timestamp
from bson.int64 import Int64

from engine.decode.decoder import Decoder
from engine.decode.exact_bson import write_exactly
from engine.decode.rebuild import rebuild
from engine.decode.rescue import Reason
from engine.decode.rules import DecodeRules
from engine.decode.system_columns import LOG_COLUMNS, NO_IMAGE
from engine.decode.values import BsonValue, DBPointer, Symbol, Undefined
from engine.errors import TypeConflict
from engine.source.batch import Batch
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct
from tests.decode.batches import NOW, decode, rebuilt


def column(
    values: list[BsonValue], known: ColumnType | None = None, rules: DecodeRules | None = None
) -> tuple[ColumnType | None, list[BsonValue], list[BsonValue]]:
    """Type, values and rescued texts of the column ``v`` of documents ``{_id: n, v: value}``."""
    documents = [{"_id": number, "v": value} for number, value in enumerate(values)]
    decoded = decode(documents, Struct({"v": known} if known else {}), rules)
    assert rebuilt(decoded) == [write_exactly(document) for document in documents]
    if "v" not in decoded.columns.fields:
        return None, [], decoded.table["_rescued"].to_pylist()
    return (
        decoded.columns.fields["v"],
        decoded.table["v"].to_pylist(),
        decoded.table["_rescued"].to_pylist(),
    )


@pytest.mark.parametrize(
    ("value", "scalar", "arrow", "held"),
    [
        (ObjectId("0123456789abcdef01234567"), Scalar.OBJECT_ID, pa.string(), "0123456789abcdef01234567"),
        ("text", Scalar.STRING, pa.string(), "text"),
        (7, Scalar.INT32, pa.int32(), 7),
        (Int64(2**53 + 1), Scalar.INT64, pa.int64(), 2**53 + 1),
        (-0.0, Scalar.DOUBLE, pa.float64(), -0.0),
        (Decimal128("12.5"), Scalar.DECIMAL, pa.decimal128(38, 10), Decimal("12.5")),
        (True, Scalar.BOOL, pa.bool_(), True),
        (
            datetime(2024, 5, 6, tzinfo=UTC),
            Scalar.DATE,
            pa.timestamp("us", "UTC"),
            datetime(2024, 5, 6, tzinfo=UTC),
        ),
        (
            Timestamp(60, 0),
            Scalar.TIMESTAMP,
            pa.timestamp("us", "UTC"),
            datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
        ),
        (b"bytes", Scalar.BINARY, pa.binary(), b"bytes"),
        (Binary(bytes(16), 4), Scalar.UUID, pa.string(), "00000000-0000-0000-0000-000000000000"),
        (Regex("a+", "i"), Scalar.JSON, pa.string(), '{"$regularExpression":{"pattern":"a+","options":"i"}}'),
        (Code("f()"), Scalar.JSON, pa.string(), '{"$code":"f()"}'),
        (Symbol("s"), Scalar.JSON, pa.string(), '{"$symbol":"s"}'),
        (MaxKey(), Scalar.JSON, pa.string(), '{"$maxKey":1}'),
        (
            DBPointer("a.b", ObjectId("0" * 24)),
            Scalar.JSON,
            pa.string(),
            '{"$dbPointer":{"$ref":"a.b","$id":{"$oid":"000000000000000000000000"}}}',
        ),
        ([1, 2], ListOf(Scalar.INT32), pa.list_(pa.field("element", pa.int32())), [1, 2]),
        ([[1], []], ListOf(ListOf(Scalar.INT32)), None, [[1], []]),
        ({"a": 1}, Struct({"a": Scalar.INT32}), pa.struct([("a", pa.int32())]), {"a": 1}),
    ],
)
def test_a_bson_type_becomes_its_column_type(
    value: BsonValue, scalar: ColumnType, arrow: pa.DataType | None, held: BsonValue
) -> None:
    decoded = decode([{"_id": 1, "v": value}])
    assert decoded.columns == Struct({"v": scalar})
    assert arrow is None or decoded.table.schema.field("v").type == arrow
    assert decoded.table["v"].to_pylist() == [held]
    assert decoded.table["_rescued"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("value", "known", "held", "reason"),
    [
        (2.5, Scalar.INT32, None, Reason.CONFLICT),
        (True, Scalar.INT32, None, Reason.CONFLICT),
        (Int64(2**40), Scalar.INT32, None, Reason.CONFLICT),
        (Int64(5), Scalar.INT32, 5, Reason.RETYPED),
        (5.0, Scalar.INT32, 5, Reason.RETYPED),
        (-0.0, Scalar.INT32, None, Reason.CONFLICT),
        (float("nan"), Scalar.INT64, None, Reason.CONFLICT),
        (5, Scalar.INT64, 5, Reason.RETYPED),
        (5, Scalar.DOUBLE, 5.0, Reason.RETYPED),
        (Int64(2**53 + 1), Scalar.DOUBLE, None, Reason.CONFLICT),
        (Decimal128("0.1"), Scalar.DOUBLE, None, Reason.CONFLICT),
        (0.1, Scalar.DECIMAL, None, Reason.CONFLICT),
        (2.5, Scalar.DECIMAL, Decimal("2.5"), Reason.RETYPED),
        (Decimal128("1.50"), Scalar.DECIMAL, Decimal("1.5"), Reason.RETYPED),
        (Decimal128("1E+28"), Scalar.DECIMAL, None, Reason.OUT_OF_RANGE),
        (Decimal128("1E-11"), Scalar.DECIMAL, None, Reason.OUT_OF_RANGE),
        (Decimal128("NaN"), Scalar.DECIMAL, None, Reason.OUT_OF_RANGE),
        ("5", Scalar.INT32, None, Reason.CONFLICT),
        (5, Scalar.STRING, None, Reason.CONFLICT),
        ("0123456789abcdef01234567", Scalar.OBJECT_ID, None, Reason.CONFLICT),
        (ObjectId("0" * 24), Scalar.STRING, None, Reason.CONFLICT),
        (Binary(b"x", 5), Scalar.BINARY, b"x", Reason.RETYPED),
        (Timestamp(60, 3), Scalar.TIMESTAMP, datetime(1970, 1, 1, 0, 1, tzinfo=UTC), Reason.RETYPED),
        ({"a": 1}, Scalar.STRING, None, Reason.CONFLICT),
        ([1], Scalar.INT32, None, Reason.CONFLICT),
        (1, ListOf(Scalar.INT32), None, Reason.CONFLICT),
        ("x", Struct({"a": Scalar.INT32}), None, Reason.CONFLICT),
        (Undefined(), Scalar.INT32, None, Reason.UNDEFINED),
        (None, Scalar.INT32, None, Reason.NULL),
        ({}, None, None, Reason.UNTYPED),
        ([], None, None, Reason.UNTYPED),
        ([None, {}], None, None, Reason.UNTYPED),
    ],
)
def test_what_a_column_cannot_hold_is_kept_beside_it_and_counted(
    value: BsonValue, known: ColumnType | None, held: BsonValue, reason: Reason
) -> None:
    raw = write_exactly({"_id": 1, "v": value})
    decoded = decode([raw], Struct({"v": known} if known else {}))
    assert rebuilt(decoded) == [raw]
    assert dict(decoded.rescued) == {("v", reason): 1}
    if known:
        assert decoded.table["v"].to_pylist() == [held]
        assert decoded.columns == Struct({"v": known})


@pytest.mark.parametrize("ms", [-62135596800001, 253402300800000, -(2**63), 2**63 - 1])
def test_a_date_outside_years_1_to_9999_is_kept_beside_its_column(ms: int) -> None:
    kind, values, rescued = column([bson.DatetimeMS(ms), datetime(2024, 1, 1)])  # noqa: DTZ001 - as decoded
    assert kind is Scalar.DATE
    assert values == [None, datetime(2024, 1, 1, tzinfo=UTC)]
    assert json.loads(rescued[0]) == {"v": {"$date": {"$numberLong": str(ms)}}}


def test_the_type_is_decided_by_most_values_not_by_the_first() -> None:
    kind, values, rescued = column([7, "a", "b"])
    assert kind is Scalar.STRING
    assert values == [None, "a", "b"]
    assert json.loads(rescued[0]) == {"v": {"$numberInt": "7"}}


def test_integers_and_doubles_together_become_a_double_column_that_holds_both() -> None:
    kind, values, rescued = column([7, 8, Int64(9), 2.5])
    assert kind is Scalar.DOUBLE
    assert values == [7.0, 8.0, 9.0, 2.5]
    assert [text is None for text in rescued] == [False, False, False, True]


def test_a_few_outliers_do_not_widen_a_column() -> None:
    kind, values, rescued = column([*range(99), 2.5])
    assert kind is Scalar.INT32
    assert values == [*range(99), None]
    assert [text for text in rescued if text] == ['{"v":{"$numberDouble":"2.5"}}']


def test_integers_beyond_a_doubles_precision_keep_their_integer_column() -> None:
    kind, values, _ = column([Int64(2**60 + 1), Int64(2**60 + 3), 2.5])
    assert kind is Scalar.INT64
    assert values == [2**60 + 1, 2**60 + 3, None]


def test_a_missing_field_and_an_explicit_null_stay_apart() -> None:
    decoded = decode([{"_id": 1, "v": None}, {"_id": 2}, {"_id": 3, "v": 1}])
    assert decoded.table["v"].to_pylist() == [None, None, 1]
    assert decoded.table["_rescued"].to_pylist() == ['{"v":null}', None, None]


def test_names_that_differ_only_in_case_share_no_column() -> None:
    decoded = decode([{"_id": 1, "Price": 1, "price": "x"}])
    assert list(decoded.columns.fields) == ["Price"]
    assert json.loads(decoded.table["_rescued"][0].as_py()) == {"price": "x"}


@pytest.mark.parametrize(
    "name",
    [
        "a.b",
        "a b",
        "",
        "\ufeffbom",
        "a,b",
        "_op",
        "_change_type",
        "a=b",
        "$a",
        "0",
        "a'b",
        "n" * 256,
        "__delta_rs_source",
    ],
)
def test_a_field_whose_name_can_be_no_column_is_kept_beside_the_columns(name: str) -> None:
    raw = write_exactly({"_id": 1, name: 5, "ok": 1})
    decoded = decode([raw])
    assert list(decoded.columns.fields) == ["ok"]
    assert decoded.rescued[name, Reason.NAME] == 1
    assert rebuilt(decoded) == [raw]


def test_keys_that_are_data_become_a_map_when_the_spec_says_so() -> None:
    rules = DecodeRules(maps=frozenset({("v",)}))
    kind, values, rescued = column([{"k1": 1, "k2": 2}, {"k3": None}, {"k1": "x"}], rules=rules)
    assert kind == MapOf(Scalar.INT32)
    assert values == [[("k1", 1), ("k2", 2)], [("k3", None)], [("k1", None)]]
    assert rescued == [None, None, '{"v.k1":"x"}']


def test_a_pinned_json_column_holds_anything() -> None:
    rules = DecodeRules(pins={("v",): Scalar.JSON})
    kind, values, rescued = column([5, "x", {"a": [1]}], rules=rules)
    assert kind is Scalar.JSON
    assert values == ['{"$numberInt":"5"}', '"x"', '{"a":[{"$numberInt":"1"}]}']
    assert rescued == [None, None, None]


def test_a_pin_reaches_fields_inside_arrays() -> None:
    rules = DecodeRules(pins={("items", "price"): Scalar.STRING})
    decoded = decode([{"_id": 1, "items": [{"price": 5}, {"price": "6"}]}], rules=rules)
    assert decoded.columns == Struct({"items": ListOf(Struct({"price": Scalar.STRING}))})
    assert json.loads(decoded.table["_rescued"][0].as_py()) == {"items.0.price": {"$numberInt": "5"}}


def test_conflicts_inside_arrays_are_kept_under_their_index() -> None:
    kind, values, rescued = column([[1, "x", 3, None], [], None])
    assert kind == ListOf(Scalar.INT32)
    assert values == [[1, None, 3, None], [], None]
    assert json.loads(rescued[0]) == {"v.1": "x"}


def test_new_fields_of_nested_documents_join_the_struct_after_the_known_ones() -> None:
    known = Struct({"v": Struct({"b": Scalar.INT32})})
    decoded = decode([{"_id": 1, "v": {"a": "x", "b": 1}}], known)
    assert decoded.columns == Struct({"v": Struct({"b": Scalar.INT32, "a": Scalar.STRING})})
    assert list(decoded.columns.fields["v"].fields) == ["b", "a"]
    assert decoded.rescued == {("v", Reason.ORDER): 1}


def test_a_column_no_document_has_is_null() -> None:
    known = Struct({"gone": Struct({"a": Scalar.INT32}), "list": ListOf(Scalar.STRING)})
    decoded = decode([{"_id": 1}], known)
    assert decoded.table.select(["gone", "list"]).to_pylist() == [{"gone": None, "list": None}]


def test_on_conflict_fail_names_the_column_and_the_remedy() -> None:
    with pytest.raises(TypeConflict, match=r"column 'v' of type int32[\s\S]*on_conflict: rescue"):
        decode([{"_id": 1, "v": "x"}], Struct({"v": Scalar.INT32}), DecodeRules(on_conflict="fail"))


def test_on_conflict_fail_lets_explicit_nulls_and_exact_numbers_pass() -> None:
    rules = DecodeRules(on_conflict="fail")
    documents = [{"_id": 1, "v": None}, {"_id": 2, "v": 5}]
    assert decode(documents, Struct({"v": Scalar.DOUBLE}), rules).table["v"].to_pylist() == [None, 5.0]


def test_on_conflict_widen_asks_for_the_widest_type_any_value_needs() -> None:
    rules = DecodeRules(on_conflict="widen")
    documents = [
        {"_id": 1, "v": Int64(2**40)},
        {"_id": 2, "v": 2.5},
        {"_id": 3, "v": "x"},
        {"_id": 4, "v": 1},
    ]
    assert decode(documents, Struct({"v": Scalar.INT32}), rules).widenings == {"v": Scalar.DOUBLE}
    assert decode(documents[3:], Struct({"v": Scalar.INT32}), rules).widenings == {}


def test_masks_are_applied_before_anything_is_kept() -> None:
    rules = DecodeRules(masks={("email",): "sha256", ("card", "number"): "redact", ("ssn",): "drop"})
    raw = bson.encode({"_id": 1, "email": "a@b", "card": [{"number": 4111}, {"number": None}], "ssn": "secret"})
    decoded = decode([raw, bson.encode({"_id": 2, "email": 5, "ssn": {"x": 1}})], rules=rules)
    document = rebuild(decoded.table.to_pylist()[0], decoded.columns)
    assert document == {
        "_id": 1,
        "email": hashlib.sha256(b"a@b").hexdigest(),
        "card": [{"number": "***"}, {"number": None}],
    }
    everything = str(decoded.table.to_pylist())
    assert not any(secret in everything for secret in ("a@b", "4111", "secret"))


def test_the_raw_bytes_of_an_odd_document_do_not_leak_a_masked_field() -> None:
    body = b"\x10_id\0\1\0\0\0" + b"\x02s\0\7\0\0\0secret\0" + b"\x10a\0\1\0\0\0" * 2
    raw = (len(body) + 5).to_bytes(4, "little") + body + b"\0"
    decoded = decode([raw], rules=DecodeRules(masks={("s",): "redact"}))
    assert decoded.rescued["", Reason.RAW] == 1
    assert b"secret" not in rebuilt(decoded)[0]


def test_masks_reach_into_maps_and_references() -> None:
    rules = DecodeRules(
        masks={("m", "email"): "redact", ("l", "m", "email"): "drop", ("u", "$id"): "redact"},
        maps=frozenset({("m",), ("l", "m")}),
    )
    document = {
        "_id": 1,
        "m": {"home": {"email": "secret", "n": 1}, "email": {"n": 2}},
        "l": [{"m": {"k": [{"email": "secret"}], "d": DBRef("c", 1, email="secret")}}],
        "u": DBRef("users", "secret"),
    }
    decoded = decode([document], rules=rules)
    (again,) = rebuilt(decoded)
    assert b"secret" not in again
    assert "secret" not in str(decoded.table.to_pylist())
    assert bson.decode(again)["m"] == {"home": {"email": "***", "n": 1}, "email": "***"}


def test_an_odd_document_with_deprecated_types_can_be_masked() -> None:
    body = b"\x10_id\0\1\0\0\0" + b"\x0esymbol\0\2\0\0\0x\0" + b"\x02s\0\7\0\0\0secret\0" + b"\x10a\0\1\0\0\0" * 2
    raw = (len(body) + 5).to_bytes(4, "little") + body + b"\0"
    (again,) = rebuilt(decode([raw], rules=DecodeRules(masks={("s",): "drop"})))
    assert b"secret" not in again
    assert b"\x0esymbol\0" in again


def test_a_delete_and_an_update_without_image_become_rows_without_values() -> None:
    keys = [bson.encode({"_id": ObjectId("0" * 24)}), bson.encode({"_id": "1"}), bson.encode({"_id": 1})]
    batch = Batch(["d", "u", "c"], ["1", "2", "3"], [0, 1, 2], keys, [None, None, bson.encode({"_id": 1, "v": 2})])
    table = Decoder().decode(batch, Struct({}), NOW).table
    assert table.schema.names == ["v", *LOG_COLUMNS.names]
    assert table["_id"].to_pylist() == ["0" * 24, "1", '{"$numberInt":"1"}']
    assert table["_op"].to_pylist() == ["d", "u", "c"]
    assert table["v"].to_pylist() == [None, None, 2]
    assert table["_rescued"].to_pylist() == [None, NO_IMAGE, None]
    assert table["_source_ts"].to_pylist()[2] == datetime(1970, 1, 1, 0, 0, 0, 2, tzinfo=UTC)
    assert table["_ingestion_date"].to_pylist()[0] == NOW.date()


def test_an_empty_batch_gives_an_empty_table_with_the_full_schema() -> None:
    decoded = Decoder().decode(Batch(), Struct({"v": Scalar.INT32}), NOW)
    assert decoded.table.schema.names == ["v", *LOG_COLUMNS.names]
    assert decoded.table.num_rows == 0
