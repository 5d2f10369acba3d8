from __future__ import annotations

from pathlib import Path

from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.runtime.folding import OTHERS_FOLD_S, is_folded, let_others_fold
from tests.lake.changes import COLUMNS, Change, rows


def test_a_table_is_folded_when_it_holds_every_row_of_the_log_whoever_wrote_them(tmp_path: Path) -> None:
    log, uri = ChangeLog.create(str(tmp_path / "changes"), COLUMNS), str(tmp_path / "current")
    log.append(rows([Change("a", 1, "c")]), {"p": 1})
    assert not is_folded(uri, log), "there is no table yet"
    fold_current(log, uri)
    assert is_folded(uri, log)
    ChangeLog.open(log.uri).record_position({"p": 2})
    assert is_folded(uri, log), "a position alone is nothing to fold"
    ChangeLog.open(log.uri).append(rows([Change("b", 3, "c")]), {"p": 3})
    assert not is_folded(uri, log)


def test_others_are_waited_for_until_they_have_folded_and_not_for_ever() -> None:
    clock = [0.0]

    def nap(seconds: float) -> None:
        clock[0] += seconds

    let_others_fold(lambda: clock[0] >= 4, nap, lambda: clock[0])
    assert clock[0] == 4
    let_others_fold(lambda: False, nap, lambda: clock[0])
    assert 4 + OTHERS_FOLD_S <= clock[0] <= 5 + OTHERS_FOLD_S
