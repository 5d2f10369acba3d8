"""Hypothesis strategies for every BSON type, the deprecated ones included, and for odd field names."""

from __future__ import annotations

import struct
from typing import Any

from bson import Binary, Code, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from hypothesis import strategies as st

from engine.decode.exact_bson import write_exactly
from engine.decode.values import DBPointer, Symbol, Undefined

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
pattern_text = text.filter(lambda value: "\0" not in value)
object_ids = st.binary(min_size=12, max_size=12).map(ObjectId)
any_bits_doubles = st.binary(min_size=8, max_size=8).map(lambda bits: struct.unpack("<d", bits)[0])
doubles = st.one_of(
    st.floats(),
    any_bits_doubles,
    st.sampled_from([0.0, -0.0, 5.0, 2.5, 2.0**53, 2.0**53 + 2, float("nan"), float("inf"), -float("inf")]),
)
dates_ms = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-62135596800000, 253402300799999),
    st.sampled_from([-62135596800001, -62135596800000, 253402300799999, 253402300800000, -1, 0]),
)
decimals = st.one_of(
    st.binary(min_size=16, max_size=16).map(Decimal128.from_bid),
    st.sampled_from(["0", "-0", "1.50", "1E+3", "0E-6176", "9" * 34, "NaN", "-Infinity", "1.00000000001"]).map(
        Decimal128
    ),
    st.decimals(-(10**12), 10**12, places=4).map(lambda value: Decimal128(str(value))),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    text,
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    doubles,
    decimals,
    object_ids,
    dates_ms.map(DatetimeMS),
    st.builds(Timestamp, st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2**32 - 1])),
    st.builds(Binary, st.binary(max_size=20), st.sampled_from([0, 2, 3, 4, 5, 128])),
    st.uuids().map(lambda value: Binary(value.bytes, 4)),
    st.builds(Regex, pattern_text, st.sampled_from(["", "i", "imx"])),
    pattern_text.map(Code),
    st.builds(Code, pattern_text, st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2)),
    text.map(Symbol),
    st.builds(DBPointer, text, object_ids),
    st.just(Undefined()),
    st.just(MinKey()),
    st.just(MaxKey()),
)
ODD_NAMES = [
    *["", " ", "a.b", "$ref", "$id", "$oid", "$numberInt", "\ufeffbom", "Price", "price", "PRICE"],
    *["a\\b", "\\bson", "\\order", "\\root", "_op", "_rescued", "_position", "a,b", "tab\t", "0", "1", "ü"],
    *["with space", "_ID"],
]
names = st.one_of(st.sampled_from("abcde"), st.sampled_from(ODD_NAMES), pattern_text)


def _containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(values, max_size=4), st.dictionaries(names, values, max_size=4))


values = st.recursive(scalars, _containers, max_leaves=8)
MISTAKABLE_IDS = ["1", "null", "true", "{", '"', "[", "0123456789abcdef01234567", ""]
ids = st.one_of(
    object_ids,
    text,
    st.sampled_from(MISTAKABLE_IDS),
    st.integers(0, 9),
    st.integers(0, 9).map(Int64),
    doubles,
    decimals,
    st.booleans(),
    st.none(),
    dates_ms.map(DatetimeMS),
    st.just(MinKey()),
    st.dictionaries(names, scalars, max_size=2),
)
# Made once: a strategy that is made for each draw is looked through and validated each time.
_fields = st.dictionaries(names.filter(lambda name: name != "_id"), values, max_size=6)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """One whole document as BSON, ``_id`` first, as the server stores it."""
    fields = draw(_fields)
    return write_exactly({"_id": draw(ids), **fields})
