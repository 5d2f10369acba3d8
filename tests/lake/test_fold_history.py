from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from engine.errors import CommitConflict
from engine.lake.change_log import ChangeLog
from engine.lake.fold_history import fold_history
from tests.lake.changes import COLUMNS, EPOCH, Change, rows, stored


@pytest.fixture
def log(tmp_path: Path) -> ChangeLog:
    return ChangeLog.create(str(tmp_path / "changes"), COLUMNS)


@pytest.fixture
def history(tmp_path: Path) -> str:
    return str(tmp_path / "history")


def fold(log: ChangeLog, history: str, *changes: Change) -> None:
    """The changes arrive in one commit and are folded in one more."""
    log.append(rows(changes), {"p": log.position().get("p", 0) + len(changes)})
    fold_history(log, history)


def intervals(history: str, key: str = "a") -> list[tuple[int, int, int | None]]:
    """(position, from, to) of a document's versions, in seconds."""

    def seconds(moment: object) -> int | None:
        return None if moment is None else (moment - EPOCH) // timedelta(seconds=1)  # type: ignore[operator,no-any-return]

    found = [row for row in stored(history) if row["_id"] == key]
    assert all(row["_is_current"] == (row["_valid_to"] is None) for row in found)
    return sorted((int(r["_position"], 16), seconds(r["_valid_from"]), seconds(r["_valid_to"])) for r in found)  # type: ignore[misc]


def test_every_version_of_a_document_is_a_row(log: ChangeLog, history: str) -> None:
    fold(log, history, Change("a", 1, "c", values={"n": 1}), Change("a", 4, values={"n": 4}))
    fold(log, history, Change("a", 6, values={"n": 6}), Change("b", 7, "c"))
    assert intervals(history) == [(1, 1, 4), (4, 4, 6), (6, 6, None)]
    assert {int(row["_position"], 16): (row["n"], row["_op"]) for row in stored(history) if row["_id"] == "a"} == {
        1: (1, "c"),
        4: (4, "u"),
        6: (6, "u"),
    }


def test_a_delete_closes_the_row_and_a_new_insert_opens_another(log: ChangeLog, history: str) -> None:
    fold(log, history, Change("a", 1, "c"))
    fold(log, history, Change("a", 3, "d"))
    assert intervals(history) == [(1, 1, 3)]
    fold(log, history, Change("a", 3, "d"), Change("a", 5, "d"))
    assert intervals(history) == [(1, 1, 3)]
    fold(log, history, Change("a", 8, "c"))
    assert intervals(history) == [(1, 1, 3), (8, 8, None)]


def test_a_late_version_is_put_between_its_neighbours(log: ChangeLog, history: str) -> None:
    fold(log, history, Change("a", 1, "c"), Change("a", 9, values={"n": 9}))
    fold(log, history, Change("a", 5, values={"n": 5}))
    assert intervals(history) == [(1, 1, 5), (5, 5, 9), (9, 9, None)]


def test_a_version_that_arrives_after_its_delete_was_folded_is_born_closed(log: ChangeLog, history: str) -> None:
    fold(log, history, Change("a", 10, "d"))
    assert stored(history) == []
    fold(log, history, Change("a", 5, "c"))
    assert intervals(history) == [(5, 5, 10)]


def test_a_late_delete_divides_a_version_from_the_next(log: ChangeLog, history: str) -> None:
    fold(log, history, Change("a", 1, "c"), Change("a", 9, "c"))
    fold(log, history, Change("a", 4, "d"))
    assert intervals(history) == [(1, 1, 4), (9, 9, None)]


def test_a_change_that_arrives_again_changes_nothing(log: ChangeLog, history: str) -> None:
    fold(log, history, Change("a", 1, "c"), Change("a", 4), Change("a", 6, "d"))
    before = sorted(map(str, stored(history)))
    fold(log, history, Change("a", 4), Change("a", 1, "c"), Change("a", 6, "d"))
    assert sorted(map(str, stored(history))) == before
    assert DeltaTable(history).transaction_version("oplake:fold") == log.version()


def test_a_clock_that_runs_backwards_between_folds_makes_no_overlap(log: ChangeLog, history: str) -> None:
    fold(log, history, Change("a", 1, "c", clock=50))
    fold(log, history, Change("a", 2, clock=40))
    assert intervals(history) == [(1, 50, 50), (2, 50, None)]
    fold(log, history, Change("a", 3, "d", clock=60))
    fold(log, history, Change("a", 4, "c", clock=55))
    assert intervals(history) == [(1, 50, 50), (2, 50, 60), (4, 60, None)]


def test_a_fold_in_order_leaves_the_files_of_closed_versions_alone(log: ChangeLog, history: str) -> None:
    fold(log, history, *(Change("abc"[n % 3], n) for n in range(9)))
    closed = {uri for uri in DeltaTable(history).file_uris() if "_is_current=false" in uri}
    fold(log, history, Change("a", 20), Change("b", 21, "d"))
    assert closed < {uri for uri in DeltaTable(history).file_uris() if "_is_current=false" in uri}
    assert intervals(history) == [(0, 0, 3), (3, 3, 6), (6, 6, 20), (20, 20, None)]


def test_statistics_cut_to_milliseconds_hide_no_closed_version(log: ChangeLog, history: str) -> None:
    """Delta cuts timestamps in file statistics to milliseconds; the moments below differ in microseconds."""
    moment = EPOCH + timedelta(microseconds=1999)
    batch = rows([Change("a", 1, "c"), Change("a", 2, "d")])
    log.append(
        batch.set_column(
            batch.column_names.index("_source_ts"),
            batch.schema.field("_source_ts"),
            pa.array([EPOCH, moment], batch.schema.field("_source_ts").type),
        ),
        {"p": 2},
    )
    fold_history(log, history)
    again = rows([Change("a", 3, "c")])
    earlier = EPOCH + timedelta(microseconds=1500)
    log.append(
        again.set_column(
            again.column_names.index("_source_ts"),
            again.schema.field("_source_ts"),
            pa.array([earlier], again.schema.field("_source_ts").type),
        ),
        {"p": 3},
    )
    fold_history(log, history)
    found = sorted(stored(history), key=lambda row: str(row["_position"]))
    assert [(row["_valid_from"], row["_valid_to"]) for row in found] == [(EPOCH, moment), (moment, None)]


def test_of_two_folds_at_the_same_time_one_is_told_so(
    log: ChangeLog, history: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold(log, history, Change("a", 1, "c"))
    log.append(rows([Change("a", 2), Change("b", 3, "c")]), {"p": 9})
    left = [lambda: fold_history(log, history)]

    def reach(name: str) -> None:
        if name == "lake.fold.before_commit" and left:
            left.pop()()

    monkeypatch.setattr("engine.lake.folded_table.reach", reach)
    with pytest.raises(CommitConflict):
        fold_history(log, history)
    assert intervals(history) == [(1, 1, 2), (2, 2, None)]
    assert intervals(history, "b") == [(3, 3, None)]


def test_a_rebuild_mends_what_somebody_has_altered(log: ChangeLog, history: str) -> None:
    fold(log, history, Change("a", 1, "c", values={"n": 1}), Change("a", 4, values={"n": 4}))
    DeltaTable(history).update(updates={"n": "99"})
    DeltaTable(history).delete("_is_current")
    fold_history(log, history, rebuild=True)
    assert intervals(history) == [(1, 1, 4), (4, 4, None)]
    assert sorted(row["n"] for row in stored(history)) == [1, 4]
