from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from engine.errors import CommitConflict, InternalError, LakeError
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.lake.fold_limits import FoldLimits
from engine.lake.fold_steps import FoldResult
from engine.lake.log_commits import LogHistoryGone
from engine.lake.row_order import newest_rows
from engine.lake.table_types import plain_table
from engine.spec.types import MapOf, Scalar, Struct
from tests.lake.changes import COLUMNS, Change, rows, stored

HOOK = "engine.lake.folded_table.reach"


@pytest.fixture
def log(tmp_path: Path) -> ChangeLog:
    return ChangeLog.create(str(tmp_path / "changes"), COLUMNS)


@pytest.fixture
def current(tmp_path: Path) -> str:
    return str(tmp_path / "current")


def arrive(log: ChangeLog, *changes: Change) -> None:
    log.append(rows(changes, log.columns()), {"p": log.position().get("p", 0) + len(changes)})


def numbers(uri: str) -> dict[str, int]:
    return {row["_id"]: row["n"] for row in stored(uri)}


def once_before_commit(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something at the last moment before a fold commits, the first time only."""
    left = [act]

    def reach(name: str) -> None:
        if name == "lake.fold.before_commit" and left:
            left.pop()()

    monkeypatch.setattr(HOOK, reach)


def test_a_fold_counts_what_it_did(log: ChangeLog, current: str) -> None:
    arrive(log, *(Change(key, n, "c", values={"n": n}) for n, key in enumerate("abc")))
    first = fold_current(log, current)
    assert (first.from_version, first.to_version, first.rows_read, first.inserted) == (None, 1, 3, 3)
    arrive(log, Change("a", 10, values={"n": 10}), Change("a", 11, values={"n": 11}), Change("b", 12, "d"))
    arrive(log, Change("d", 13, "c", values={"n": 13}))
    second = fold_current(log, current)
    assert (second.from_version, second.to_version, second.rows_read) == (1, 3, 4)
    assert (second.inserted, second.updated, second.deleted) == (1, 1, 1)
    assert numbers(current) == {"a": 11, "c": 2, "d": 13}
    third = fold_current(log, current)
    assert (third.from_version, third.rows_read) == (3, 0)
    assert DeltaTable(current).version() == 2, "nothing new is no commit"


def test_a_late_insert_never_raises_a_deleted_document(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 10, "d"))
    fold_current(log, current)
    arrive(log, Change("a", 5, "c", values={"n": 5}))
    fold_current(log, current)
    assert numbers(current) == {}
    arrive(log, Change("a", 12, "c", values={"n": 12}))
    fold_current(log, current)
    assert numbers(current) == {"a": 12}


def test_a_late_event_never_overwrites_or_deletes_a_newer_one(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 10, "c", values={"n": 10}))
    fold_current(log, current)
    arrive(log, Change("a", 8, "d"), Change("a", 9, values={"n": 9}))
    result = fold_current(log, current)
    assert numbers(current) == {"a": 10}
    assert (result.updated, result.deleted) == (0, 0)
    assert DeltaTable(current).transaction_version("oplake:fold") == log.version()


def test_an_update_without_an_image_changes_nothing(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 1, "c", values={"n": 1}))
    fold_current(log, current)
    arrive(log, Change("a", 2, "u", image=False))
    fold_current(log, current)
    assert numbers(current) == {"a": 1}
    arrive(log, Change("a", 3, "d"))
    fold_current(log, current)
    assert numbers(current) == {}


def test_documents_that_are_all_new_are_appended_and_no_file_is_rewritten(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 1, "r"))
    fold_current(log, current)
    before = set(DeltaTable(current).file_uris())
    arrive(log, Change("b", 2, "c"), Change("c", 3, "r"))
    assert fold_current(log, current).inserted == 2
    assert before < set(DeltaTable(current).file_uris())


def test_a_snapshot_that_is_read_again_updates_what_it_finds(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 1, "r", values={"n": 1}))
    fold_current(log, current)
    arrive(log, Change("a", 5, "r", values={"n": 5}), Change("b", 6, "r", values={"n": 6}))
    fold_current(log, current)
    assert numbers(current) == {"a": 5, "b": 6}


def test_a_key_that_is_null_is_refused_before_the_merge_inserts_it_again_and_again() -> None:
    """deltalake 1.6.6: a NULL key matches nothing, so every MERGE inserts it once more."""
    with pytest.raises(InternalError, match="no _id"):
        newest_rows(pa.table({"_id": pa.array([None], pa.string()), "_position": ["1"]}))


def test_ids_of_different_types_stay_different_rows(log: ChangeLog, current: str) -> None:
    arrive(log, Change("1", 1, values={"n": 1}), Change('{"$numberInt":"1"}', 2, values={"n": 2}))
    fold_current(log, current)
    assert numbers(current) == {"1": 1, '{"$numberInt":"1"}': 2}


def test_the_rows_of_a_step_are_not_held_beside_those_of_the_next(
    log: ChangeLog, current: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        arrive(log, Change(f"k{number}", number))
    read: list[weakref.ref[pa.Table]] = []
    still_held: list[int] = []

    def reading(rows: pa.Table, schema: pa.Schema) -> pa.Table:
        still_held.append(sum(one() is not None for one in read))
        plain = plain_table(rows, schema)
        read.append(weakref.ref(plain))
        return plain

    monkeypatch.setattr("engine.lake.log_tail.plain_table", reading)
    assert fold_current(log, current, limits=FoldLimits(max_rows=1)).inserted == 4
    assert still_held == [0, 0, 0, 0]


def test_a_long_tail_is_folded_in_several_commits_and_any_of_them_may_be_the_last(
    log: ChangeLog, current: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold_current(log, current)
    for n in range(6):
        arrive(log, Change("ab"[n % 2], n, values={"n": n}))
    commits = []

    def reach(name: str) -> None:
        if name == "lake.fold.after_commit":
            commits.append(name)
            if len(commits) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(HOOK, reach)
    with pytest.raises(KeyboardInterrupt):
        fold_current(log, current, limits=FoldLimits(max_rows=2, max_keys=2))
    assert DeltaTable(current).transaction_version("oplake:fold") == 4
    assert numbers(current) == {"a": 2, "b": 3}
    rest = fold_current(log, current, limits=FoldLimits(max_rows=2, max_keys=2))
    assert (rest.from_version, rest.rows_read) == (4, 2)
    assert numbers(current) == {"a": 4, "b": 5}


def test_of_two_folds_at_the_same_time_one_is_told_so_and_nothing_is_doubled(
    log: ChangeLog, current: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(log, Change("a", 1, "c", values={"n": 1}))
    fold_current(log, current)
    arrive(log, Change("a", 2, values={"n": 2}), Change("b", 3, "c", values={"n": 3}))
    once_before_commit(monkeypatch, lambda: fold_current(log, current))
    with pytest.raises(CommitConflict):
        fold_current(log, current)
    assert numbers(current) == {"a": 2, "b": 3}
    assert len(stored(current)) == 2
    assert fold_current(log, current).rows_read == 0


def test_two_first_folds_at_the_same_time_double_nothing(
    log: ChangeLog, current: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(log, *(Change(f"k{n}", n, "r", values={"n": n}) for n in range(4)))
    once_before_commit(monkeypatch, lambda: fold_current(log, current, limits=FoldLimits(max_rows=2, max_keys=2)))
    with pytest.raises(CommitConflict):
        fold_current(log, current, limits=FoldLimits(max_rows=2, max_keys=2))
    assert sorted(numbers(current)) == ["k0", "k1", "k2", "k3"]
    assert len(stored(current)) == 4


def test_a_compaction_in_the_middle_of_a_fold_only_makes_it_start_its_step_again(
    log: ChangeLog, current: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """deltalake 1.6.6: a MERGE fails when the files it read were compacted meanwhile."""
    for n in (1, 2):
        arrive(log, Change(f"k{n}", n, "c", values={"n": n}))
        fold_current(log, current)
    held = DeltaTable(current)
    DeltaTable(current).optimize.compact()
    source = pa.table({"_id": ["k1"], "n": pa.array([7], pa.int32())})
    merger = held.merge(source, "t._id = s._id", source_alias="s", target_alias="t")
    with pytest.raises(CommitFailedError):
        merger.when_matched_update({"n": "s.n"}).execute()
    arrive(log, Change("k3", 3, "c", values={"n": 3}))
    fold_current(log, current)
    arrive(log, Change("k1", 4, values={"n": 4}))
    once_before_commit(monkeypatch, DeltaTable(current).optimize.compact)
    assert fold_current(log, current).updated == 1
    assert numbers(current) == {"k1": 4, "k2": 2, "k3": 3}


def test_a_table_of_another_log_is_not_folded_into(log: ChangeLog, current: str, tmp_path: Path) -> None:
    arrive(log, Change("a", 1))
    fold_current(log, current)
    other = ChangeLog.create(str(tmp_path / "other"), COLUMNS)
    arrive(other, Change("b", 1))
    with pytest.raises(LakeError, match="folded from another change log"):
        fold_current(other, current)
    assert set(numbers(current)) == {"a"}


def test_a_log_that_was_set_back_is_noticed(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 1))
    arrive(log, Change("b", 2))
    fold_current(log, current)
    behind = DeltaTable(log.uri).version()
    (Path(log.uri.removeprefix("file://")) / "_delta_log" / f"{behind:020d}.json").unlink()
    with pytest.raises(LakeError, match=f"holds version {behind} of a change log that ends at {behind - 1}"):
        fold_current(log, current)


def test_columns_that_somebody_added_to_the_table_are_told_by_name(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 1))
    fold_current(log, current)
    write_deltalake(current, pa.schema([("extra", pa.string())]).empty_table(), mode="append", schema_mode="merge")
    arrive(log, Change("a", 2))
    with pytest.raises(LakeError, match=r"somebody has added columns(?s:.*)extra"):
        fold_current(log, current)


def test_a_row_moves_with_the_column_its_table_is_partitioned_by(tmp_path: Path, current: str) -> None:
    columns = Struct({"state": Scalar.STRING, "n": Scalar.INT32})
    log = ChangeLog.create(str(tmp_path / "log"), columns)
    arrive(log, Change("a", 1, values={"state": "x", "n": 1}), Change("b", 2, values={"n": 2}))
    fold_current(log, current, partition_by=("state",))
    arrive(log, Change("a", 3, values={"state": "y", "n": 3}), Change("b", 4, values={"state": "x", "n": 4}))
    fold_current(log, current)
    assert DeltaTable(current).metadata().partition_columns == ["state"]
    assert {row["_id"]: (row["state"], row["n"]) for row in stored(current)} == {"a": ("y", 3), "b": ("x", 4)}


def test_columns_with_odd_names_are_folded(tmp_path: Path, current: str) -> None:
    names = ["with space", "$dollar", "Übel", "UPPER", "it's", "x=y,z", "select"]
    columns = Struct(dict.fromkeys(names, Scalar.INT32))
    log = ChangeLog.create(str(tmp_path / "log"), columns)
    arrive(log, Change("a", 1, values=dict.fromkeys(names, 1)))
    fold_current(log, current)
    arrive(log, Change("a", 2, values=dict.fromkeys(names, 2)))
    fold_current(log, current)
    assert [stored(current)[0][name] for name in names] == [2] * len(names)


def test_a_rebuild_writes_again_what_somebody_has_altered(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 1, values={"n": 1}), Change("b", 2, values={"n": 2}))
    fold_current(log, current)
    DeltaTable(current).update(predicate="_id = 'a'", updates={"n": "99"})
    DeltaTable(current).delete("_id = 'b'")
    assert numbers(current) == {"a": 99}
    fold_current(log, current, rebuild=True)
    assert numbers(current) == {"a": 1, "b": 2}


def spread(log: ChangeLog, current: str) -> set[str]:
    """Ten documents in as many files of the current table, whose names are returned."""
    for n in range(10):
        arrive(log, Change(f"k{n}", n, "c", values={"n": n}))
        fold_current(log, current)
    return set(DeltaTable(current).file_uris())


def test_an_update_of_one_document_leaves_the_files_of_the_others_alone(log: ChangeLog, current: str) -> None:
    before = spread(log, current)
    arrive(log, Change("k3", 20, values={"n": 20}), Change("new", 21, "c", values={"n": 21}))
    result = fold_current(log, current)
    assert (result.inserted, result.updated, result.deleted) == (1, 1, 0)
    assert len(before & set(DeltaTable(current).file_uris())) == 9
    assert numbers(current) == {**{f"k{n}": n for n in range(10)}, "k3": 20, "new": 21}


def test_where_most_files_lose_a_row_the_table_is_written_anew_in_one_commit(log: ChangeLog, current: str) -> None:
    before, version = spread(log, current), DeltaTable(current).version()
    arrive(log, *(Change(f"k{n}", 20 + n, values={"n": 20 + n}) for n in range(9)), Change("k9", 40, "d"))
    result = fold_current(log, current)
    assert (result.inserted, result.updated, result.deleted) == (0, 9, 1)
    assert not before & set(DeltaTable(current).file_uris())
    assert DeltaTable(current).version() == version + 1
    assert numbers(current) == {f"k{n}": 20 + n for n in range(9)}


def test_a_table_that_loses_its_last_document_is_empty_and_remembers_how_far_it_was_folded(
    log: ChangeLog, current: str
) -> None:
    arrive(log, Change("a", 1, "c", values={"n": 1}))
    fold_current(log, current)
    arrive(log, Change("a", 2, "d"))
    assert fold_current(log, current).deleted == 1
    assert numbers(current) == {}
    assert DeltaTable(current).transaction_version("oplake:fold") == log.version()


def test_changes_that_are_in_the_log_twice_become_one_row(log: ChangeLog, current: str) -> None:
    arrive(log, Change("a", 1, "c", values={"n": 1}), Change("b", 2, "c", values={"n": 2}))
    fold_current(log, current)
    again = [Change("a", 3, values={"n": 3}), Change("c", 4, "c", values={"n": 4})]
    arrive(log, *again, *again)
    result = fold_current(log, current)
    assert (result.rows_read, result.inserted, result.updated) == (4, 1, 1)
    assert sorted((row["_id"], row["n"]) for row in stored(current)) == [("a", 3), ("b", 2), ("c", 4)]


def test_files_that_go_between_the_look_at_the_keys_and_the_reading_of_rows_leave_the_table_as_it_was(
    log: ChangeLog, current: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(log, Change("a", 1, "c", values={"n": 1}))
    fold_current(log, current)
    before = DeltaTable(current).version()
    arrive(log, Change("a", 2, values={"n": 2}))
    newest = max(Path(log.uri.removeprefix("file://")).glob("**/*.parquet"), key=lambda file: file.stat().st_mtime_ns)
    once_before_commit(monkeypatch, newest.unlink)
    with pytest.raises(LogHistoryGone):
        fold_current(log, current)
    assert DeltaTable(current).version() == before
    assert numbers(current) == {"a": 1}


@pytest.mark.parametrize("fold", [fold_current, fold_history])
def test_a_rebuild_that_stops_half_way_in_the_middle_of_a_fold_doubles_nothing(
    log: ChangeLog, current: str, monkeypatch: pytest.MonkeyPatch, fold: Callable[..., FoldResult]
) -> None:
    """The fold took for new what the rebuild has appended since: their commits have a mark in common."""
    arrive(log, Change("a", 1, "c", values={"n": 1}))
    fold(log, current)
    arrive(log, Change("b", 2, "c", values={"n": 2}))

    def stop_once_all_is_there(name: str) -> None:
        if name == "lake.fold.after_commit" and len(stored(current)) == 2:
            raise KeyboardInterrupt

    def half_a_rebuild() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(HOOK, stop_once_all_is_there)
            with pytest.raises(KeyboardInterrupt):
                fold(ChangeLog.open(log.uri), current, rebuild=True, limits=FoldLimits(max_rows=1))

    once_before_commit(monkeypatch, half_a_rebuild)
    fold(log, current)
    assert sorted(row["_id"] for row in stored(current)) == ["a", "b"]


def test_a_column_that_came_after_a_rewrite_of_the_log_is_null_in_rows_from_before(
    tmp_path: Path, current: str
) -> None:
    """deltalake 1.6.6 aborts the process on slices of such a column; the rows are read batch by batch."""
    before = Struct({"n": Scalar.INT32, "m": MapOf(Struct({"a": Scalar.INT32}))})
    inner = Struct({"a": Scalar.INT32, "b": Scalar.INT32})
    nested = Struct({"t": Struct({"u": Scalar.STRING})})
    log = ChangeLog.create(str(tmp_path / "nested"), before)
    arrive(log, Change("first", 1, "c", values={"n": 1}))
    fold_current(log, current)
    for n in range(2, 6):
        arrive(log, *(Change(f"k{n}{row}", 10 * n + row, "c", values={"n": n}) for row in range(3)))
    log.evolve(Struct({"n": Scalar.INT32, "m": MapOf(inner), "s": nested}))
    arrive(log, Change("last", 99, "c", values={"n": 1, "m": [("k", {"a": 1, "b": 2})], "s": {"t": {"u": "x"}}}))
    assert fold_current(log, current).inserted == 13
    assert [row["s"] for row in stored(current) if row["s"] is not None] == [{"t": {"u": "x"}}]
    assert len(stored(current)) == 14
