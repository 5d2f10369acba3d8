from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deltalake import DeltaTable

from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.maintenance import is_due, maintain, vacuum
from tests.lake.changes import COLUMNS, Change, rows, stored

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def log_of(folder: Path, commits: int) -> ChangeLog:
    log = ChangeLog.create(str(folder / "changes"), COLUMNS)
    for number in range(commits):
        log.append(rows([Change(f"k{number % 3}", number, values={"n": number})]), {"stream.time": number + 1})
    return log


def test_compacting_a_log_changes_neither_its_rows_nor_its_position_nor_a_later_fold(tmp_path: Path) -> None:
    log = log_of(tmp_path, 6)
    before = stored(log.uri)
    done = maintain(log.uri, (), timedelta(days=7), NOW)
    assert (done.files_removed, done.files_added) == (6, 1)
    assert sorted(map(str, stored(log.uri))) == sorted(map(str, before))
    again = ChangeLog.open(log.uri)
    assert again.position() == {"stream.time": 6}
    result = fold_current(again, str(tmp_path / "current"))
    assert (result.rows_read, result.inserted) == (6, 3)
    again.append(rows([Change("k0", 10, values={"n": 10})]), {"stream.time": 11})
    maintain(log.uri, (), timedelta(days=7), NOW)
    assert fold_current(again, str(tmp_path / "current")).rows_read == 1


def test_z_ordering_keeps_the_rows(tmp_path: Path) -> None:
    log = log_of(tmp_path, 4)
    before = stored(log.uri)
    maintain(log.uri, ("n",), timedelta(days=7), NOW)
    assert sorted(map(str, stored(log.uri))) == sorted(map(str, before))


def test_a_vacuum_really_removes_files_and_only_those_no_recent_version_needs(tmp_path: Path) -> None:
    """deltalake 1.6.6: vacuum is a dry run by default."""
    log = log_of(tmp_path, 3)
    orphan = Path(log.uri.removeprefix("file://")) / "orphan.parquet"
    orphan.write_bytes(b"left by a failed write")
    assert vacuum(DeltaTable(log.uri), timedelta(days=7)) == 0
    assert orphan.exists()
    a_month_ago = time.time() - 30 * 86400
    os.utime(orphan, (a_month_ago, a_month_ago))
    assert vacuum(DeltaTable(log.uri), timedelta(days=7)) == 1
    assert not orphan.exists()
    assert len(stored(log.uri)) == 3


def test_upkeep_is_due_once_an_interval_whoever_asks(tmp_path: Path) -> None:
    log = log_of(tmp_path, 2)
    day = timedelta(days=1)
    assert not is_due(log.uri, day, NOW), "the first question starts the clock"
    assert not is_due(log.uri, day, NOW + day / 2)
    assert is_due(log.uri, day, NOW + day)
    maintain(log.uri, (), timedelta(days=7), NOW + day)
    assert not is_due(log.uri, day, NOW + day)
    assert ChangeLog.open(log.uri).position() == {"stream.time": 2}
