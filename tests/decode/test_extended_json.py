"""Documents that came as extended JSON become the same rows as their BSON."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence

import bson
import pytest
from bson import Binary, Decimal128, ObjectId
from bson.int64 import Int64
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.decode.decoded import Decoded
from engine.decode.decoder import Decoder
from engine.decode.exact_bson import read_exactly, write_exactly
from engine.decode.identity import identity_text
from engine.decode.json_documents import read_documents
from engine.decode.rebuild import rebuild
from engine.decode.rescue import Reason
from engine.decode.rules import DecodeRules
from engine.decode.system_columns import NO_IMAGE
from engine.decode.values import BsonValue, DBPointer
from engine.source.batch import Batch
from engine.source.debezium import Change, parse_message
from engine.spec.types import Scalar, Struct
from tests.decode import bson_strategies as bs
from tests.decode import legacy_json
from tests.decode.batches import NOW, batch_of, rebuilt, told
from tests.source.debezium_messages import recorded

SLOW_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
_LIKE_A_WRAPPER = {("$oid",), ("$numberInt",)}


def carried(value: BsonValue) -> BsonValue:
    """A value as extended JSON can tell it (docs/types.md lists what it cannot)."""
    match value:
        case float() if math.isnan(value):
            return math.nan
        case Decimal128():
            return Decimal128(str(value))
        case DBPointer(namespace, pointed):
            return {"$ref": namespace, "$id": pointed}
        case list():
            return [carried(item) for item in value]
        case dict():
            is_wrapper = tuple(value) in _LIKE_A_WRAPPER and isinstance(next(iter(value.values())), str)
            return {"no": "wrapper"} if is_wrapper else {name: carried(item) for name, item in value.items()}
    return value


documents = bs.documents().map(lambda document: write_exactly(carried(read_exactly(document))))


def json_batch(raw: Sequence[bytes]) -> Batch:
    """The batch of ``batch_of(raw)`` as Debezium would have sent it."""
    batch = batch_of(raw)
    texts = [legacy_json.image(read_exactly(document)).encode() for document in raw]
    keys = [b'{"_id": null}'] * len(raw)
    return Batch(batch.operations, batch.orders, batch.source_times_us, keys, texts, {}, "extended_json")


def same(first: Decoded, second: Decoded) -> None:
    assert told(first) == told(second)
    assert first.table.schema.equals(second.table.schema, check_metadata=True)
    assert (first.columns, first.rescued, first.widenings) == (second.columns, second.rescued, second.widenings)


@SLOW_MACHINE
@given(st.lists(documents, max_size=5), st.lists(documents, max_size=5))
def test_rows_are_the_same_whichever_encoding_the_documents_came_in(first: list[bytes], second: list[bytes]) -> None:
    columns = Decoder().decode(batch_of(first), Struct({}), NOW).columns
    for known in (Struct({}), columns):
        expected = Decoder().decode(batch_of(second), known, NOW)
        same(Decoder().decode(json_batch(second), known, NOW), expected)


@SLOW_MACHINE
@given(bs.ids.map(carried))
def test_a_delete_is_known_by_the_messages_key_as_by_its_bson(value: object) -> None:
    message = parse_message(
        json.dumps({"id": legacy_json.key(value)}).encode(),
        b'{"op": "d", "after": null, "source": {"ts_ms": 1, "ord": 1}}',
    )
    assert isinstance(message, Change)
    batch = Batch(["d"], ["1"], [0], [message.key], [None], {}, "extended_json")
    assert Decoder().decode(batch, Struct({}), NOW).table["_id"].to_pylist() == [identity_text(value)]


def changes() -> list[Change]:
    parsed = [parse_message(message.key, message.value) for message in recorded()]
    return [change for change in parsed if isinstance(change, Change)]


def recorded_batch() -> Batch:
    found = changes()
    return Batch(
        [change.operation for change in found],
        [str(number) for number in range(len(found))],
        [change.source_time_us for change in found],
        [change.key for change in found],
        [change.document for change in found],
        {},
        "extended_json",
    )


def test_every_recorded_document_decodes_and_comes_back_as_it_was_written() -> None:
    batch = recorded_batch()
    decoded = Decoder().decode(batch, Struct({}), NOW)
    assert decoded.table.num_rows == len(batch) == 82
    for row, text in zip(decoded.table.to_pylist(), batch.documents, strict=True):
        if text is not None:
            assert legacy_json.image(rebuild(row, decoded.columns)) == text.decode()


def test_recorded_rows_without_an_image_say_so() -> None:
    table = Decoder().decode(recorded_batch(), Struct({}), NOW).table
    without = [row for row in table.to_pylist() if row["_rescued"] == NO_IMAGE]
    assert [row["_op"] for row in without] == ["u", "u"]


@pytest.mark.parametrize(
    "field",
    [
        '{"$oid": "6B04CC3DCC306FEA304C1C34"}',
        '{"$oid": 5}',
        '{"$oid": "6b04cc3dcc306fea304c1c34","x": 1}',
        '{"x": 1,"$oid": "6b04cc3dcc306fea304c1c34"}',
        '{"$numberLong": "007"}',
        '{"$numberLong": "9223372036854775808"}',
        '{"$numberLong": "x"}',
        '{"$numberDecimal": "1,5"}',
        '{"$date": true}',
        '{"$date": "yesterday"}',
        '{"$date": "2024-13-01T00:00:00Z"}',
        '{"$binary": "AA=","$type": "00"}',
        '{"$binary": "AB==","$type": "00"}',
        '{"$binary": "AAH/","$type": "0"}',
        '{"$timestamp": {"t": -1,"i": 0}}',
        '{"$timestamp": {"i": 0,"t": 1}}',
        '{"$regex": "a"}',
        '{"$regex": "a","$options": "g"}',
        '{"$undefined": false}',
        '{"$minKey": true}',
        '{"$maxKey": 1.0}',
        '{"$code": 1}',
        '{"$unknown": 1}',
    ],
)
def test_a_document_that_only_looks_like_a_wrapper_stays_a_document(field: str) -> None:
    document = read_documents([f'{{"_id": 1,"v": {field}}}'.encode()]).documents[0]
    assert type(document["v"]) is dict
    assert list(document["v"]) == list(json.loads(field))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("7", 7),
        ("2147483647", 2**31 - 1),
        ("2147483648", Int64(2**31)),
        ("-2147483649", Int64(-(2**31) - 1)),
        ("5.0", 5.0),
        ("-0.0", -0.0),
        ("1.0E300", 1e300),
        ("Infinity", float("inf")),
        ('{"$numberInt": "7"}', 7),
        ('{"$numberDouble": "-Infinity"}', -float("inf")),
        ('{"$binary": {"base64": "AAH/","subType": "80"}}', Binary(b"\0\1\xff", 128)),
        ('{"$date": {"$numberLong": "-1"}}', bson.decode(bson.encode({"v": bson.DatetimeMS(-1)}))["v"]),
        ('{"$date": "1970-01-01T00:00:00.001Z"}', bson.decode(bson.encode({"v": bson.DatetimeMS(1)}))["v"]),
    ],
)
def test_numbers_and_the_wrappers_of_v2_are_read_as_they_are_meant(field: str, value: BsonValue) -> None:
    (read,) = read_documents([f'{{"v": {field}}}'.encode()]).documents
    assert write_exactly(read) == write_exactly({"v": value})
    assert type(read["v"]) is type(value)


def test_repeated_fields_are_kept_as_the_bson_of_them_all() -> None:
    text = b'{"_id": 1,"a": 1,"a": {"b": [{"c": 1,"c": {"$numberLong": "2"}}],"$t": {"$timestamp": {"t": 1,"i": 2}}}}'
    batch = Batch(["c"], ["1"], [0], [b'{"_id": 1}'], [text], {}, "extended_json")
    decoded = Decoder().decode(batch, Struct({}), NOW)
    inner = b"\x10c\0\x01\0\0\0" + b"\x12c\0" + struct.pack("<q", 2)
    repeated = struct.pack("<i", len(inner) + 5) + inner + b"\0"
    assert repeated in rebuilt(decoded)[0]
    assert rebuilt(decoded)[0].count(b"\x11$t\0\x02\0\0\0\x01\0\0\0") == 1
    assert decoded.rescued["", Reason.RAW] == 1


@pytest.mark.parametrize(
    "text",
    [
        b'{"_id": 1,"a": }',
        b'{"_id": 1} {"_id": 2}',
        b'{"_id": 1,"a": 9223372036854775808}',
        b'{"_id": 1,"a": "\\ud800"}',
        b'{"_id": 1,"a\\u0000": 1}',
        b'{"_id": 1,"a": "\xff"}',
        b'{"_id": 1,"a": ' + b"[" * 100_000 + b"}",
        b"[]",
    ],
)
def test_a_text_that_is_no_document_is_kept_and_named_and_harms_no_other_row(text: bytes) -> None:
    documents = [text, b'{"_id": 2,"v": 1}']
    batch = Batch(["c"] * 2, ["1", "2"], [0] * 2, [b'{"_id": 1}', b""], documents, {}, "extended_json")
    decoded = Decoder().decode(batch, Struct({"v": Scalar.INT32}), NOW)
    assert decoded.table["v"].to_pylist() == [None, 1]
    assert decoded.table["_id"].to_pylist() == ['{"$numberInt":"1"}', '{"$numberInt":"2"}']
    note = decoded.table["_rescued"].to_pylist()[0]
    assert json.loads(note) == {"\\text": text.decode(errors="replace")}
    assert decoded.rescued == {("", Reason.UNREADABLE): 1}


def test_a_text_nobody_can_read_leaks_no_masked_field() -> None:
    batch = Batch(["c"], ["1"], [0], [b'{"_id": 1}'], [b'{"ssn": "secret'], {}, "extended_json")
    decoded = Decoder(DecodeRules(masks={("ssn",): "redact"})).decode(batch, Struct({}), NOW)
    assert "secret" not in str(decoded.table.to_pylist())


def test_masks_and_pins_reach_documents_in_extended_json() -> None:
    rules = DecodeRules(masks={("email",): "redact"}, pins={("n",): Scalar.STRING})
    text = b'{"_id": {"$oid": "000000000000000000000001"},"email": "a@b","n": {"$numberLong": "5"}}'
    batch = Batch(["c"], ["1"], [0], [b""], [text], {}, "extended_json")
    row = Decoder(rules).decode(batch, Struct({}), NOW).table.to_pylist()[0]
    assert (row["_id"], row["email"], row["n"]) == (str(ObjectId("0" * 23 + "1")), "***", None)
    assert json.loads(row["_rescued"]) == {"n": {"$numberLong": "5"}}
