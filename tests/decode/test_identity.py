"""Which documents share a row: those that MongoDB takes for the same, and no others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import bson
import pytest
from bson import DBRef, Decimal128
from bson.int64 import Int64

from engine.decode.identity import identity_text
from engine.decode.rebuild import rebuild_key
from engine.decode.values import BsonValue
from engine.source.raw_document import key_of
from tests.decode.batches import decode, rebuilt


@pytest.mark.parametrize(
    "equal",
    [
        [1, Int64(1), 1.0, Decimal128("1"), Decimal128("1.00")],
        [0, -0.0, 0.0, Decimal128("-0"), Decimal128("0E+3")],
        [Int64(2**53), 2.0**53, Decimal128("9007199254740992")],
        [2.5, Decimal128("2.5"), Decimal128("2.50")],
        [Decimal128("0.1"), Decimal128("0.10")],
        [math.nan, Decimal128("NaN")],
        [math.inf, Decimal128("Infinity")],
        [{"a": 1, "b": {"c": 2.0}}, {"a": 1.0, "b": {"c": Int64(2)}}],
        [DBRef("c", 1), DBRef("c", 1.0)],
    ],
)
def test_ids_that_mongodb_takes_for_the_same_are_one_row_and_keep_their_type(equal: Sequence[BsonValue]) -> None:
    documents = [bson.encode({"_id": value, "n": 1}) for value in equal]
    decoded = decode(documents)
    assert set(decoded.table["_id"].to_pylist()) == {identity_text(equal[0])}
    assert rebuilt(decoded) == documents
    # A snapshot goes on behind the last committed document, which it knows by its bytes.
    assert [rebuild_key(row) for row in decoded.table.to_pylist()] == list(map(key_of, documents))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, "1"), (1, True), (Int64(2**53 + 1), 2.0**53), (0.1, Decimal128("0.1")), (1, {"a": 1}), (1e300, math.inf)],
)
def test_ids_that_differ_stay_different_rows(one: BsonValue, other: BsonValue) -> None:
    assert identity_text(one) != identity_text(other)
