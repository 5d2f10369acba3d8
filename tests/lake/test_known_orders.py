"""Which changes a log holds already, by their orders."""

from __future__ import annotations

from pathlib import Path

from engine.lake.change_log import ChangeLog
from tests.lake.changes import COLUMNS, Change, rows


def test_a_log_knows_the_orders_of_its_rows_and_no_others(tmp_path: Path) -> None:
    log = ChangeLog.create(str(tmp_path / "log"), COLUMNS)
    for start in (0, 100, 200):
        log.append(rows(Change(f"k{at}", at) for at in range(start, start + 50)), {"at": start})
    there = {Change("k", at).order for at in (0, 49, 120, 249)}
    absent = {Change("k", at).order for at in (50, 99, 300)} | {"it's none"}

    assert log.known_orders(there | absent) == there
    assert log.known_orders(frozenset()) == frozenset()


def test_what_others_have_appended_since_is_seen_when_the_log_is_opened_again(tmp_path: Path) -> None:
    uri = str(tmp_path / "log")
    log = ChangeLog.create(uri, COLUMNS)
    ChangeLog.open(uri).append(rows([Change("k", 7)]), {"other": 1})

    assert ChangeLog.open(uri).known_orders({Change("k", 7).order}) == {Change("k", 7).order}
    assert log.known_orders({Change("k", 7).order}) == frozenset()
