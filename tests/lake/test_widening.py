from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from engine.decode.system_columns import NO_IMAGE
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.lake.observe import observe_table
from engine.lake.widening import WideningRefused
from engine.spec.types import ListOf, MapOf, Scalar, Struct
from tests.lake.changes import Change, rows, stored

NARROW = Struct({"n": Scalar.INT32, "inside": Struct({"m": Scalar.INT32}), "many": ListOf(Scalar.INT32)})
WIDE = Struct({"n": Scalar.INT64, "inside": Struct({"m": Scalar.DOUBLE}), "many": ListOf(Scalar.INT64)})
WIDENINGS = {"n": Scalar.INT64, "inside.m": Scalar.DOUBLE, "many": Scalar.INT64}
VALUES = {"n": 2**31 - 1, "inside": {"m": 7}, "many": [1, None, 3]}


def log_with(folder: Path, columns: Struct, values: dict[str, object]) -> ChangeLog:
    log = ChangeLog.create(str(folder / "changes"), columns)
    log.append(rows([Change("a", 1, values=values), Change("b", 2)], columns), {"stream.time": 7})
    return log


def test_the_library_refuses_type_widening(tmp_path: Path) -> None:
    """deltalake 1.6.6: ``delta.enableTypeWidening`` is refused, hence the rewrite."""
    with pytest.raises(Exception, match=r"enableTypeWidening"):
        DeltaTable.create(
            str(tmp_path), pa.schema([("a", pa.int32())]), configuration={"delta.enableTypeWidening": "true"}
        )


def test_a_log_and_its_folded_tables_get_wider_columns_and_keep_values_and_position(tmp_path: Path) -> None:
    log = log_with(tmp_path, NARROW, VALUES)
    current, history = str(tmp_path / "current"), str(tmp_path / "history")
    fold_current(log, current)
    fold_history(log, history)
    log.widen(WIDENINGS)
    assert log.columns() == WIDE
    assert log.position() == {"stream.time": 7}
    log.append(rows([Change("c", 3, values={"n": 2**40})], WIDE), {"stream.time": 8})
    assert ChangeLog.open(log.uri).position() == {"stream.time": 8}
    fold_current(log, current)
    fold_history(log, history)
    for uri in (log.uri, current, history):
        by_key = {row["_id"]: row for row in stored(uri)}
        assert by_key["a"]["n"] == 2**31 - 1
        assert by_key["a"]["inside"] == {"m": 7.0}
        assert by_key["a"]["many"] == [1, None, 3]
        assert by_key["c"]["n"] == 2**40
        assert len(stored(uri)) == 3
        observed = observe_table(uri)
        assert observed is not None
        assert observed.columns == WIDE
    assert observe_table(log.uri).partition_by == ("_ingestion_date",)  # type: ignore[union-attr]
    assert observe_table(log.uri).properties["delta.enableChangeDataFeed"] == "true"  # type: ignore[union-attr]


def test_rows_note_the_narrower_types_they_had_in_one_text_and_the_oldest_type_stays(tmp_path: Path) -> None:
    log = log_with(tmp_path, NARROW, VALUES)
    log.append(rows([Change("c", 3, operation="u", image=False)], NARROW), {"stream.time": 8})
    log.widen({"n": Scalar.INT64})
    log.append(rows([Change("d", 4, values={"n": 2**40})], log.columns()), {"stream.time": 9})
    log.widen({"n": Scalar.DOUBLE})
    notes = {row["_id"]: row["_rescued"] for row in stored(log.uri)}
    narrow = '{"\\\\was":{"n":"int32"}}'
    assert notes == {"a": narrow, "b": narrow, "c": NO_IMAGE, "d": '{"\\\\was":{"n":"int64"}}'}


def test_widening_is_one_commit(tmp_path: Path) -> None:
    log = log_with(tmp_path, NARROW, VALUES)
    before = log.version()
    log.widen(WIDENINGS)
    assert log.version() == before + 1
    log.widen(WIDENINGS)
    assert log.version() == before + 1


def test_an_integer_that_no_double_equals_refuses_the_widening(tmp_path: Path) -> None:
    columns = Struct({"n": Scalar.INT64})
    log = log_with(tmp_path, columns, {"n": 2**53 + 1})
    with pytest.raises(WideningRefused, match=r"on_conflict: rescue"):
        log.widen({"n": Scalar.DOUBLE})
    assert ChangeLog.open(log.uri).columns() == columns
    assert ChangeLog.open(log.uri).version() == log.version()


def test_rows_that_were_not_folded_before_a_widening_are_folded_after_it_and_only_they(tmp_path: Path) -> None:
    """The change data feed hands on every row of a rewrite, so a fold passes the rewriting commit over."""
    log = log_with(tmp_path, NARROW, VALUES)
    current, history = str(tmp_path / "current"), str(tmp_path / "history")
    fold_current(log, current)
    fold_history(log, history)
    log.append(rows([Change("c", 3, values={"n": 5, "inside": {"m": 1}, "many": [2]})], NARROW), {"stream.time": 8})
    log.widen(WIDENINGS)
    log.append(rows([Change("d", 4, values={"n": 2**40, "many": [2**40]})], WIDE), {"stream.time": 9})
    for fold, uri in ((fold_current, current), (fold_history, history)):
        assert fold(log, uri).rows_read == 2
        found = {row["_id"]: row for row in stored(uri)}
        assert {key: row["n"] for key, row in found.items()} == {"a": 2**31 - 1, "b": None, "c": 5, "d": 2**40}
        assert (found["c"]["inside"], found["c"]["many"]) == ({"m": 1.0}, [2])


def test_what_was_added_before_a_widening_is_folded_too(tmp_path: Path) -> None:
    log = log_with(tmp_path, NARROW, VALUES)
    deep = Struct({**NARROW.fields, "by": MapOf(Scalar.INT32), "rows": ListOf(Struct({"k": Scalar.INT32}))})
    log.evolve(deep)
    values = {"n": 1, "by": [("x", 1)], "rows": [{"k": 1}, None]}
    log.append(rows([Change("c", 3, values=values)], deep), {"stream.time": 8})
    log.widen({"by": Scalar.INT64, "rows.k": Scalar.DOUBLE})
    current = str(tmp_path / "current")
    fold_current(log, current)
    found = {row["_id"]: row for row in stored(current)}["c"]
    assert (found["by"], found["rows"]) == ([("x", 1)], [{"k": 1.0}, None])
