from __future__ import annotations

from datetime import timedelta
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.fold_limits import FoldLimits
from engine.lake.log_commits import LogHistoryGone
from engine.lake.log_tail import LogTail, Step
from engine.lake.maintenance import vacuum
from engine.spec.types import Scalar, Struct
from tests.lake.changes import COLUMNS, Change, expected_current, rows, stored

NAMES = ("n", "_id", "_op", "_source_ts", "_position", "_rescued")


def log_of(folder: Path, commits: int) -> ChangeLog:
    """One change a commit: versions 1, 2, 3..."""
    log = ChangeLog.create(str(folder / "changes"), COLUMNS)
    for number in range(1, commits + 1):
        log.append(rows([Change(f"k{number}", number)]), {"p": number})
    return log


def steps_of(log: ChangeLog, after: int | None, limits: FoldLimits | None = None) -> list[Step]:
    return list(LogTail.open(log.uri, {}).steps(after, NAMES, limits or FoldLimits()))


def keys(steps: list[Step]) -> list[list[str]]:
    return [sorted(step.rows.column("_id").to_pylist()) for step in steps]


def test_a_tail_is_the_rows_after_a_version(tmp_path: Path) -> None:
    log = log_of(tmp_path, 4)
    steps = steps_of(log, 2)
    assert keys(steps) == [["k3", "k4"]]
    assert steps[0].version == 4
    assert steps[0].rows.schema.field("_id").type == pa.string()
    assert steps_of(log, 4) == []


def test_a_long_tail_comes_in_steps_that_end_at_commits(tmp_path: Path) -> None:
    log = log_of(tmp_path, 5)
    steps = steps_of(log, 0, FoldLimits(max_rows=2))
    assert keys(steps) == [["k1", "k2"], ["k3", "k4"], ["k5"]]
    assert [step.version for step in steps] == [2, 4, 5]
    assert keys(steps_of(log, 0, FoldLimits(max_bytes=1))) == [["k1"], ["k2"], ["k3"], ["k4"], ["k5"]]


def test_a_whole_log_comes_in_steps_of_which_the_last_names_the_version(tmp_path: Path) -> None:
    log = log_of(tmp_path, 5)
    steps = steps_of(log, None, FoldLimits(max_rows=2))
    assert sorted(chain.from_iterable(keys(steps))) == ["k1", "k2", "k3", "k4", "k5"]
    assert [step.version for step in steps[:-1]] == [None] * (len(steps) - 1)
    assert steps[-1].version == 5


def test_commits_that_came_after_the_tail_was_opened_do_not_shift_it(tmp_path: Path) -> None:
    """deltalake 1.6.6: ``history`` of a table that others have moved on labels the newest commits with the
    table's own versions; an OPTIMIZE in the place of an append would hide the append's rows."""
    log = log_of(tmp_path, 3)
    tail = LogTail.open(log.uri, {})
    DeltaTable(log.uri).optimize.compact()
    log.append(rows([Change("k9", 9)]), {"p": 9})
    labelled = tail.table.history(1)[0]
    assert (labelled["version"], labelled["operation"]) == (3, "WRITE"), "version 5's commit, called 3"
    assert len(tail.table.history(1)) > 1, "the trap: more than was asked for"
    steps = list(tail.steps(1, NAMES, FoldLimits()))
    assert keys(steps) == [["k2", "k3"]]
    assert steps[-1].version == 3


def test_compacting_adds_no_rows_to_a_tail(tmp_path: Path) -> None:
    log = log_of(tmp_path, 3)
    DeltaTable(log.uri).optimize.compact()
    assert keys(steps_of(log, 3)) == [[]]
    assert keys(steps_of(log, 1)) == [["k2", "k3"]]


def test_commits_that_were_cleaned_up_are_missed_and_a_rebuild_needs_none(tmp_path: Path) -> None:
    log, current = log_of(tmp_path, 1), str(tmp_path / "current")
    fold_current(log, current)
    log.append(rows([Change("k1", 5, "d")]), {"p": 5})
    log.append(rows([Change("k2", 6)]), {"p": 6})
    DeltaTable(log.uri).create_checkpoint()
    (tmp_path / "changes" / "_delta_log" / f"{2:020d}.json").unlink()
    with pytest.raises(LogHistoryGone, match="commits of the change log after version 1 were cleaned up"):
        fold_current(log, current)
    assert [row["_id"] for row in stored(current)] == ["k1"]
    fold_current(log, current, rebuild=True)
    assert [row["_id"] for row in stored(current)] == ["k2"]
    assert fold_current(log, current).rows_read == 0


def test_files_that_were_vacuumed_are_missed_and_a_rebuild_needs_none(tmp_path: Path) -> None:
    log, current = log_of(tmp_path, 1), str(tmp_path / "current")
    fold_current(log, current)
    for number in (2, 3):
        log.append(rows([Change(f"k{number}", number)]), {"p": number})
    table = DeltaTable(log.uri)
    table.optimize.compact()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    with pytest.raises(LogHistoryGone, match=r"files of the change log after version 1(?s:.*)rebuild"):
        fold_current(log, current)
    fold_current(log, current, rebuild=True)
    assert {row["_id"] for row in stored(current)} == {"k1", "k2", "k3"}


def test_a_vacuum_leaves_a_fold_that_is_under_way_its_files(tmp_path: Path) -> None:
    log = log_of(tmp_path, 3)
    steps = LogTail.open(log.uri, {}).steps(0, NAMES, FoldLimits(max_rows=1))
    first = next(steps)
    table = DeltaTable(log.uri)
    table.optimize.compact()
    vacuum(table, timedelta(0))
    assert keys([first, *steps]) == [["k1"], ["k2"], ["k3"]]


def test_a_first_fold_reads_the_log_as_it_is_and_needs_none_of_its_commits(tmp_path: Path) -> None:
    log, current = log_of(tmp_path, 3), str(tmp_path / "current")
    DeltaTable(log.uri).create_checkpoint()
    for version in range(3):
        (tmp_path / "changes" / "_delta_log" / f"{version:020d}.json").unlink()
    assert fold_current(log, current).rows_read == 3
    wanted = expected_current(Change(f"k{n}", n) for n in (1, 2, 3))
    assert {row["_id"] for row in stored(current)} == set(wanted)


def test_a_step_is_measured_by_its_rows_in_memory_not_by_files_that_compress_well(tmp_path: Path) -> None:
    log = ChangeLog.create(str(tmp_path / "changes"), Struct({"text": Scalar.STRING}))
    for number in range(1, 6):
        changes = [Change(f"k{number}-{i}", number * 10 + i, values={"text": "x" * 100_000}) for i in range(10)]
        log.append(rows(changes, log.columns()), {"p": number})
    names = ("text", *NAMES[1:])
    steps = LogTail.open(log.uri, {}).steps(0, names, FoldLimits(max_bytes=2_500_000))
    assert [step.rows.num_rows for step in steps] == [20, 20, 10]
