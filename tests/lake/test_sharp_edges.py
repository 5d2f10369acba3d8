"""Measured traps of deltalake 1.6.6: each test shows the trap in the library, and that oplake avoids it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from engine.decode.system_columns import MERGE_PREFIX
from engine.errors import CommitConflict, InternalError
from engine.lake.change_log import ChangeLog
from engine.lake.commit import commit_properties
from engine.lake.fold import fold_current
from engine.spec.types import Scalar, Struct
from tests.lake.changes import COLUMNS, Change, rows, stored


def new_log(folder: Path) -> ChangeLog:
    return ChangeLog.create(str(folder / "changes"), COLUMNS)


def test_append_coerces_silently_so_types_are_checked_first(tmp_path: Path) -> None:
    uri = str(tmp_path / "bare")
    DeltaTable.create(uri, pa.schema([("n", pa.int32())]))
    write_deltalake(uri, pa.table({"n": [2.5]}), mode="append")
    assert DeltaTable(uri).to_pyarrow_table()["n"].to_pylist() == [2], "the trap: 2.5 became 2"
    log = new_log(tmp_path)
    bent = rows([Change("a", 1)]).set_column(0, "n", pa.array([2.5]))
    with pytest.raises(InternalError, match=r"n is double where the table has int32"):
        log.append(bent, {"stream.time": 1})
    assert stored(log.uri) == []
    assert ChangeLog.open(log.uri).position() == {}


def test_merge_schema_nulls_whole_structs_so_evolution_comes_first(tmp_path: Path) -> None:
    uri = str(tmp_path / "bare")
    write_deltalake(uri, pa.table({"k": ["a", "b"], "s": [{"x": 1}, {"x": 2}]}))
    source = pa.table({"k": ["a"], "s": [{"x": 9, "y": 9}]})
    merger = DeltaTable(uri).merge(source, "t.k = s.k", source_alias="s", target_alias="t", merge_schema=True)
    merger.when_matched_update_all().execute()
    trapped = {row["k"]: row["s"] for row in DeltaTable(uri).to_pyarrow_table().to_pylist()}
    assert trapped["b"] is None, "the trap: an untouched row lost its struct"
    log, current = new_log(tmp_path), str(tmp_path / "current")
    log.append(rows([Change(key, 1, values={"place": {"city": key}}) for key in "ab"]), {"stream.time": 1})
    fold_current(log, current)
    wider = Struct({"n": Scalar.INT32, "place": Struct({"city": Scalar.STRING, "zip": Scalar.STRING})})
    log.evolve(wider)
    log.append(rows([Change("a", 2, values={"place": {"city": "x", "zip": "1"}})], wider), {"stream.time": 2})
    fold_current(log, current)
    assert {row["_id"]: row["place"] for row in stored(current)} == {
        "a": {"city": "x", "zip": "1"},
        "b": {"city": "b", "zip": None},
    }


def test_a_merge_without_effect_writes_no_commit_so_the_position_is_appended(tmp_path: Path) -> None:
    log, current = new_log(tmp_path), str(tmp_path / "current")
    log.append(rows([Change("a", 1)]), {"stream.time": 1})
    fold_current(log, current)
    log.append(rows([Change("nobody", 2, operation="d")]), {"stream.time": 2})
    fold_current(log, current)
    assert DeltaTable(current).transaction_version("oplake:fold") == log.version()
    assert fold_current(log, current).rows_read == 0


def test_a_txn_fences_only_through_a_held_table(tmp_path: Path) -> None:
    uri = str(tmp_path / "bare")
    row = pa.table({"n": [1]})
    write_deltalake(uri, row)
    txn = CommitProperties(app_transactions=[Transaction("p", 1)])
    write_deltalake(uri, row, mode="append", commit_properties=txn)
    write_deltalake(uri, row, mode="append", commit_properties=txn)
    assert DeltaTable(uri).to_pyarrow_table().num_rows == 3, "the trap: by URI the same txn commits twice"
    held = DeltaTable(uri)
    write_deltalake(DeltaTable(uri), row, mode="append", commit_properties=txn)
    with pytest.raises(CommitFailedError):
        write_deltalake(held, row, mode="append", commit_properties=txn)


def test_a_zombie_cannot_append_what_its_successor_has_appended(tmp_path: Path) -> None:
    zombie = new_log(tmp_path)
    successor = ChangeLog.open(zombie.uri)
    successor.append(rows([Change("a", 1)]), {"stream.time": 1})
    with pytest.raises(CommitConflict):
        zombie.append(rows([Change("a", 1)]), {"stream.time": 1})
    assert len(stored(zombie.uri)) == 1


def test_workers_of_different_partitions_never_conflict(tmp_path: Path) -> None:
    one = new_log(tmp_path)
    two = ChangeLog.open(one.uri)
    one.append(rows([Change("a", 1)]), {"topic/0": 1})
    two.append(rows([Change("b", 2)]), {"topic/1": 1})
    one.append(rows([Change("c", 3)]), {"topic/0": 2})
    assert ChangeLog.open(one.uri).position() == {"topic/0": 2, "topic/1": 1}


def test_a_position_survives_a_transaction_retention(tmp_path: Path) -> None:
    """Without ``last_updated`` a txn is forgotten once ``delta.setTransactionRetentionDuration`` is set."""
    uri = str(tmp_path / "bare")
    DeltaTable.create(
        uri,
        pa.schema([("n", pa.int32())]),
        configuration={"delta.setTransactionRetentionDuration": "interval 1 days"},
        commit_properties=commit_properties({"stream.time": 5}),
    )
    table = DeltaTable(uri)
    table.create_checkpoint()
    assert DeltaTable(uri).transaction_version("oplake:stream.time") == 5


def test_duplicate_new_keys_would_be_inserted_twice_so_rows_are_deduplicated(tmp_path: Path) -> None:
    uri = str(tmp_path / "bare")
    write_deltalake(uri, pa.table({"k": ["z"]}))
    twice = pa.table({"k": ["a", "a"]})
    merger = DeltaTable(uri).merge(twice, "t.k = s.k", source_alias="s", target_alias="t")
    merger.when_not_matched_insert_all().execute()
    assert DeltaTable(uri).to_pyarrow_table().num_rows == 3, "the trap: one key, two rows"
    log, current = new_log(tmp_path), str(tmp_path / "current")
    log.append(rows([Change("z", 1)]), {"stream.time": 1})
    fold_current(log, current)
    log.append(rows([Change("a", 2, values={"n": 2}), Change("a", 3, values={"n": 3})]), {"stream.time": 2})
    fold_current(log, current)
    assert {row["_id"]: row["n"] for row in stored(current)} == {"z": None, "a": 3}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (pa.table({"s": pa.array([{}], pa.struct([]))}), r"(?i)struct|field|column"),
        (pa.table({"Price": [1], "price": [2]}), r"(?i)duplicate|price"),
    ],
    ids=["a struct without fields", "names that differ only in case"],
)
def test_what_the_decoder_never_makes_is_refused_by_the_library(tmp_path: Path, rows: pa.Table, message: str) -> None:
    """Why ``{}`` of an unknown field, and ``price`` beside ``Price``, stay in ``_rescued``."""
    with pytest.raises(Exception, match=message):
        write_deltalake(str(tmp_path), rows)


def test_no_column_of_ours_is_a_timestamp_without_zone(tmp_path: Path) -> None:
    """deltalake raises the table's protocol version for those."""
    log = new_log(tmp_path)
    assert DeltaTable(log.uri).protocol().min_reader_version == 1


def test_a_position_of_several_parts_is_fenced_as_a_whole(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append(rows([Change("a", 1)]), {"stream.time": 100, "stream.index": 1})
    zombie, successor = ChangeLog.open(log.uri), ChangeLog.open(log.uri)
    successor.append(rows([Change("a", 2)]), {"stream.time": 100, "stream.index": 2})
    with pytest.raises(CommitConflict):
        zombie.append(rows([Change("a", 3)]), {"stream.time": 101, "stream.index": 1})
    assert ChangeLog.open(log.uri).position() == {"stream.time": 100, "stream.index": 2}


SLICED_WRITE = """
import sys, pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from engine.lake.commit import append_rows
places = pa.array([None, {"in": {"city": "a"}}, None, {"in": {"city": "b"}}])
rows = pa.table({"place": places}).slice(1)
DeltaTable.create(sys.argv[1], rows.schema)
if sys.argv[2] == "bare":
    write_deltalake(sys.argv[1], rows, mode="append")
else:
    append_rows(DeltaTable(sys.argv[1]), rows, {"stream.time": 1})
"""


@pytest.mark.slow
def test_a_sliced_struct_would_abort_the_process_so_slices_are_copied(tmp_path: Path) -> None:
    def write(how: str) -> int:
        command = [sys.executable, "-c", SLICED_WRITE, str(tmp_path / how), how]
        return subprocess.run(command, stderr=subprocess.DEVNULL, timeout=60, check=False).returncode

    assert write("bare") == -signal.SIGABRT, "the trap: a panic in a thread that cannot unwind"
    assert write("ours") == 0
    assert [row["place"] for row in stored(str(tmp_path / "ours"))] == [
        {"in": {"city": "a"}},
        None,
        {"in": {"city": "b"}},
    ]


def test_merge_fails_on_a_table_with_a_column_of_its_own_name(tmp_path: Path) -> None:
    """So ``column_names`` refuses the whole prefix; when this passes, it need not any more."""
    name = f"{MERGE_PREFIX}source"
    rows = pa.table({"k": [1], name: [1]})
    write_deltalake(str(tmp_path), rows)
    merger = DeltaTable(str(tmp_path)).merge(rows, "t.k = s.k", source_alias="s", target_alias="t")
    with pytest.raises(DeltaError):
        merger.when_matched_update_all().execute()
