"""Odd values in a column that partitions a table: every reader gets them back, in the column or beside it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import bson
import pyarrow as pa
import pytest
from bson import Decimal128
from bson.int64 import Int64
from deltalake import DeltaTable

from engine.decode.decoder import Decoder
from engine.decode.rebuild import rebuild_bytes
from engine.decode.rules import DecodeRules
from engine.decode.system_columns import struct_of
from engine.decode.values import BsonValue
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.query.catalogue import Lake
from engine.query.run import Query, run_query
from engine.source.batch import Batch
from engine.spec.types import Scalar, Struct

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("scalar", "values"),
    [
        (
            Scalar.STRING,
            ["", "a", "x" * 300, "\u65e5" * 80, "a/b=c%2F", " ", "..", "'\"\\", "null", "__HIVE_DEFAULT_PARTITION__"],
        ),
        (Scalar.DOUBLE, [1.5, 1e308, 5e-324, math.inf, -0.0]),
        (Scalar.INT64, [Int64(-(2**63)), Int64(2**63 - 1)]),
        (Scalar.DECIMAL, [Decimal128("-1.5"), Decimal128("-1"), Decimal128("1.5"), Decimal128("-0.0000000001")]),
        (Scalar.BINARY, [b"", b"a", b"\xff\0"]),
        (Scalar.DATE, [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999000)]),  # noqa: DTZ001
    ],
)
def test_an_odd_partition_value_comes_back(scalar: Scalar, values: list[BsonValue], tmp_path: Path) -> None:
    documents = [bson.encode({"_id": number, "p": value}) for number, value in enumerate(values)]
    log = ChangeLog.create(f"{tmp_path}/t/changes", Struct({"p": scalar}))
    count = len(documents)
    orders = [f"{row:029x}" for row in range(count)]
    batch = Batch(["c"] * count, orders, [0] * count, documents, documents)
    decoded = Decoder(DecodeRules(partitions=frozenset({("p",)}))).decode(batch, log.columns(), NOW)
    log.append(decoded.table, {"p": 1})
    fold_current(log, f"{tmp_path}/t/current", partition_by=["p"])
    current = pa.table(DeltaTable(f"{tmp_path}/t/current").scan())
    assert sorted(rebuild_bytes(row, struct_of(current.schema)) for row in current.to_pylist()) == sorted(documents)
    with run_query(Query("select * from t", Lake(str(tmp_path)), tmp_path / "tmp")) as found:
        rows = [row for part in found.batches for row in part.to_pylist()]
    assert sorted(rebuild_bytes(row, log.columns()) for row in rows) == sorted(documents)


def test_ordinary_values_stay_in_the_partition_column() -> None:
    documents = [bson.encode({"_id": number, "p": value}) for number, value in enumerate(["a", "b/c", "\u65e5"])]
    batch = Batch(["c"] * 3, ["1", "2", "3"], [0] * 3, documents, documents)
    rules = DecodeRules(partitions=frozenset({("p",)}))
    decoded = Decoder(rules).decode(batch, Struct({"p": Scalar.STRING}), NOW)
    assert decoded.table["p"].to_pylist() == ["a", "b/c", "\u65e5"]
    assert not decoded.rescued
