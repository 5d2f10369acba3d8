"""What is known of a log's commits, whoever else is committing."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable

from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.log_commits import LogHistoryGone, commits_after
from tests.lake.changes import COLUMNS, Change, rows, stored


def new_log(folder: Path) -> ChangeLog:
    return ChangeLog.create(str(folder / "changes"), COLUMNS, position={"p": 0})


def append(log: ChangeLog, *positions: int) -> None:
    log.append(rows([Change("a", position) for position in positions]), {"p": positions[-1]})


def test_commits_keep_their_rows_when_another_worker_commits_meanwhile(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log, 1)
    append(log, 2, 3)
    held = DeltaTable(log.uri)
    append(log, 4, 5, 6)
    log.record_position({"p": 7})
    trap = [info["operationMetrics"]["num_added_rows"] for info in held.history(2)[:2]]
    assert trap == [0, 3], "the trap: the newest commits, under the numbers of older ones"
    assert [(commit.version, commit.rows) for commit in commits_after(held, 0)] == [(1, 1), (2, 2)]


def test_a_fold_misses_no_row_when_another_worker_commits_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = new_log(tmp_path)
    append(log, 1)
    fold_current(log, str(tmp_path / "current"))
    append(log, 2)

    def overtaken(table: DeltaTable, after: int) -> list[object]:
        ChangeLog.open(log.uri).record_position({"p": 9})
        return list(commits_after(table, after))

    monkeypatch.setattr("engine.lake.log_tail.commits_after", overtaken)
    fold_current(log, str(tmp_path / "current"))
    assert [row["_position"] for row in stored(str(tmp_path / "current"))] == [Change("a", 2).order]


def test_commits_that_were_cleaned_up_are_missed(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log, 1)
    append(log, 2)
    DeltaTable(log.uri).create_checkpoint()
    Path(log.uri.removeprefix("file://"), "_delta_log", f"{1:020d}.json").unlink()
    assert len(commits_after(DeltaTable(log.uri), 1)) == 1
    with pytest.raises(LogHistoryGone):
        commits_after(DeltaTable(log.uri), 0)
