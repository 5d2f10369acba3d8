from __future__ import annotations

import gc
import os
import struct
from pathlib import Path

import bson
import pytest
from bson.int64 import Int64
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.decode import bson_documents, decoder, extended_json, identity
from engine.decode.decoder import Decoder
from engine.decode.exact_bson import read_exactly, write_exactly
from engine.decode.rebuild import rebuild_bytes
from engine.decode.rules import DecodeRules, Limits
from engine.decode.system_columns import log_schema, struct_of
from engine.spec.types import Scalar, Struct
from tests.decode import bson_strategies as bs
from tests.decode.batches import NOW, batch_of, decode, rebuilt, told

SLOW_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SLOW_MACHINE
@given(st.lists(bs.documents(), max_size=6))
def test_a_document_comes_back_from_its_row_byte_for_byte(documents: list[bytes]) -> None:
    """INV-3 over all BSON types."""
    assert rebuilt(decode(documents)) == documents


@SLOW_MACHINE
@given(st.lists(bs.documents(), max_size=5), st.lists(bs.documents(), max_size=5))
def test_documents_survive_columns_that_other_documents_decided(first: list[bytes], second: list[bytes]) -> None:
    columns = decode(first).columns
    decoded = decode(second, columns)
    assert rebuilt(decoded) == second
    assert list(decoded.columns.fields)[: len(columns.fields)] == list(columns.fields)


@SLOW_MACHINE
@given(st.lists(bs.documents(), max_size=5), st.lists(bs.documents(), max_size=5))
def test_rows_still_tell_their_documents_after_the_table_got_more_columns(
    first: list[bytes], second: list[bytes]
) -> None:
    earlier = decode(first)
    later = decode(second, earlier.columns)
    evolved = log_schema(later.columns)
    rows = [{name: row.get(name) for name in evolved.names} for row in earlier.table.to_pylist()]
    assert [rebuild_bytes(row, later.columns) for row in rows] == first


@SLOW_MACHINE
@given(st.lists(bs.documents(), max_size=6), st.integers(1, 3), st.integers(0, 3))
def test_a_table_of_bounded_width_and_depth_loses_nothing(documents: list[bytes], depth: int, width: int) -> None:
    assert rebuilt(decode(documents, rules=DecodeRules(limits=Limits(depth, width)))) == documents


@SLOW_MACHINE
@given(st.lists(bs.documents(), max_size=6))
def test_the_schema_survives_arrow_metadata(documents: list[bytes]) -> None:
    decoded = decode(documents)
    assert decoded.table.schema.equals(log_schema(decoded.columns), check_metadata=True)
    assert struct_of(decoded.table.schema) == decoded.columns


@SLOW_MACHINE
@given(st.lists(bs.documents(), min_size=3, max_size=6))
@example([bson.encode(one) for one in ({"_id": 0}, {"_id": 0, "price": None, "a": None}, {"_id": 0, "Price": None})])
def test_decoding_in_pieces_gives_the_same_rows_as_decoding_whole(documents: list[bytes]) -> None:
    columns = decode(documents).columns
    whole = Decoder().decode(batch_of(documents), columns, NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "_CACHED_ROWS", 2)
        pieces = Decoder().decode(batch_of(documents), columns, NOW)
    assert told(pieces) == told(whole)
    assert pieces.table.schema.equals(whole.table.schema, check_metadata=True)
    assert pieces.rescued == whole.rescued


@SLOW_MACHINE
@given(st.lists(bs.documents(), max_size=6), st.sampled_from(list(Scalar)), st.sampled_from("abcde"))
def test_any_pin_keeps_every_value(documents: list[bytes], scalar: Scalar, name: str) -> None:
    decoded = decode(documents, rules=DecodeRules(pins={(name,): scalar}))
    assert rebuilt(decoded) == documents
    assert decoded.columns.fields.get(name, scalar) is scalar


@SLOW_MACHINE
@given(st.lists(bs.documents(), max_size=6))
def test_fields_kept_as_maps_keep_every_value(documents: list[bytes]) -> None:
    rules = DecodeRules(maps=frozenset({(name,) for name in "abcde"}))
    assert rebuilt(decode(documents, rules=rules)) == documents


@SLOW_MACHINE
@given(bs.values)
def test_canonical_extended_json_tells_every_value(value: object) -> None:
    again = extended_json.loads(extended_json.dumps(value))
    assert write_exactly({"v": again}) == write_exactly({"v": value})


@SLOW_MACHINE
@given(bs.ids)
def test_an_id_comes_back_from_its_text(value: object) -> None:
    text = identity.identity_text(value)
    again = identity.identity_value(text)
    assert identity.identity_text(again) == text
    if identity.tells_all(value):
        assert write_exactly({"_id": again}) == write_exactly({"_id": value})


def test_an_integer_is_one_id_whatever_its_width() -> None:
    decoded = decode([{"_id": 7}, {"_id": Int64(7)}, {"_id": {"a": Int64(7)}}, {"_id": Int64(2**40)}])
    assert decoded.table["_id"].to_pylist() == [
        '{"$numberInt":"7"}',
        '{"$numberInt":"7"}',
        '{"a":{"$numberInt":"7"}}',
        '{"$numberLong":"1099511627776"}',
    ]
    assert decoded.table["_rescued"].to_pylist() == [
        None,
        '{"_id":{"$numberLong":"7"}}',
        '{"_id":{"a":{"$numberLong":"7"}}}',
        None,
    ]


@SLOW_MACHINE
@given(bs.documents())
def test_the_exact_reader_and_writer_are_inverse(document: bytes) -> None:
    assert write_exactly(read_exactly(document)) == document


@pytest.mark.parametrize(
    ("what", "document"),
    [
        ("a repeated field name", b"\x13\0\0\0\x10a\0\x01\0\0\0\x10a\0\x02\0\0\0\0"),
        ("a string that is not UTF-8", b"\x0f\0\0\0\x02a\0\x03\0\0\0\xff\xfe\0\0"),
    ],
)
def test_a_document_no_dict_can_stand_for_keeps_its_bytes(what: str, document: bytes) -> None:
    with_id = b"\x07_id\0" + bytes(12) + document[4:]
    document = struct.pack("<i", len(with_id) + 4) + with_id
    decoded = decode([document])
    assert rebuilt(decoded) == [document], what
    assert decoded.table["_id"].to_pylist() == ["0" * 24]


def test_two_hundred_levels_of_nesting_come_back() -> None:
    document: dict[str, object] = {"leaf": 1}
    for level in range(200):
        document = {"deeper": document} if level % 2 else {"list": [document]}
    raw = bson.encode({"_id": 1, **document})
    assert rebuilt(decode([raw])) == [raw]


def test_nesting_beyond_what_python_follows_keeps_the_bytes() -> None:
    inner = b"\x05\0\0\0\0"
    for _ in range(5000):
        inner = struct.pack("<i", len(inner) + 8) + b"\x03a\0" + inner + b"\0"
    body = b"\x10_id\0\x01\0\0\0\x03a\0" + inner + b"\0"
    raw = struct.pack("<i", len(body) + 4) + body
    assert rebuilt(decode([raw])) == [raw]


def test_a_document_of_sixteen_megabytes_comes_back() -> None:
    raw = bson.encode({"_id": 1, "text": "x" * (16 * 1024 * 1024 - 64), "n": 1})
    assert rebuilt(decode([raw])) == [raw]


@pytest.mark.slow
def test_fifty_thousand_keys_that_are_data_neither_hang_nor_get_lost() -> None:
    documents = [bson.encode({"_id": i, f"k{i}": i, f"null{i}": None}) for i in range(5000)]
    assert rebuilt(decode(documents)) == documents


DATASETS = Path(os.environ["OPLAKE_DATASETS"]) if os.environ.get("OPLAKE_DATASETS") else None
MUCH_BYTES = 1_000_000
FILES = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stat().st_size > MUCH_BYTES else [])
    for path in (sorted(DATASETS.glob("*.bson")) if DATASETS else [])
]


@pytest.mark.skipif(DATASETS is None, reason="OPLAKE_DATASETS names no folder of *.bson files: not run")
def test_the_datasets_folder_holds_collections() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("rows", [10**9, 97], ids=["in one batch", "in batches of 97"])
def test_every_document_of_a_real_collection_comes_back_byte_for_byte(path: Path, rows: int) -> None:
    documents = _raw_documents(path)
    columns = Struct({})
    for chunk in batch_of(documents).chunks(rows):
        decoded = Decoder().decode(chunk, columns, NOW)
        assert rebuilt(decoded) == list(chunk.documents)
        columns = decoded.columns


def _raw_documents(path: Path) -> list[bytes]:
    content, documents, at = path.read_bytes(), [], 0
    while at < len(content):
        (size,) = struct.unpack_from("<i", content, at)
        documents.append(content[at : at + size])
        at += size
    return documents


def test_decoding_never_leaves_the_garbage_collector_off() -> None:
    with pytest.raises(ZeroDivisionError), bson_documents.collector_paused():
        raise ZeroDivisionError
    assert gc.isenabled()
