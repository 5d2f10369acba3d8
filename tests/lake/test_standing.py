"""A table that was deleted, or made anew, under whoever holds it open: nothing of theirs gets into the new one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable

from engine.errors import CommitConflict
from engine.lake.change_log import ChangeLog
from engine.lake.commit import append_rows
from engine.lake.fold import fold_current
from engine.lake.standing import TableReplaced
from engine.spec.types import Scalar, Struct
from tests.lake.changes import COLUMNS, Change, rows, stored

WIDER = Struct({**COLUMNS.fields, "more": Scalar.STRING})


@pytest.fixture
def held(tmp_path: Path) -> ChangeLog:
    return ChangeLog.create(str(tmp_path / "changes"), COLUMNS)


def folder(log: ChangeLog) -> Path:
    return Path(log.uri.removeprefix("file://"))


def replace_table(log: ChangeLog) -> ChangeLog:
    """Another table in its place, at the same version, without partitions."""
    shutil.rmtree(folder(log))
    return ChangeLog.create(log.uri, COLUMNS, partition_by=[])


WRITES: dict[str, Callable[[ChangeLog], object]] = {
    "append": lambda log: log.append(rows([Change("a", 1)], log.columns()), {"p": 1}),
    "position": lambda log: log.record_position({"p": 1}),
    "evolve": lambda log: log.evolve(WIDER),
    "widen": lambda log: log.widen({"n": Scalar.DOUBLE}),
    "fold": lambda log: fold_current(log, str(folder(log).parent / "current")),
}


def test_the_trap_deltalake_writes_into_a_table_that_took_the_place_of_the_one_it_holds(held: ChangeLog) -> None:
    replace_table(held)
    append_rows(held._table, rows([Change("a", 1)]), {})
    assert len(stored(held.uri)) == 1


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_to_a_table_that_was_made_anew(held: ChangeLog, write: str) -> None:
    replace_table(held)
    with pytest.raises(TableReplaced, match="deleted and made anew"):
        WRITES[write](held)
    assert (DeltaTable(held.uri).version(), stored(held.uri)) == (0, [])
    assert [path.name for path in folder(held).iterdir()] == ["_delta_log"]


@pytest.mark.parametrize("write", WRITES)
def test_a_table_that_was_deleted_is_not_begun_again(held: ChangeLog, write: str) -> None:
    shutil.rmtree(folder(held))
    with pytest.raises(TableReplaced, match="the table was deleted while") as caught:
        WRITES[write](held)
    assert "oplake apply" in caught.value.remedy
    assert not folder(held).exists()


def test_commits_of_others_and_commits_that_were_cleaned_up_are_no_replacement(held: ChangeLog) -> None:
    other = ChangeLog.open(held.uri)
    other.append(rows([Change("a", 1)]), {"other": 1})
    other._table.create_checkpoint()
    (folder(held) / "_delta_log" / f"{0:020d}.json").unlink()
    with pytest.raises(CommitConflict, match="cleaned up"):
        held.append(rows([Change("b", 2)]), {"p": 1})
    ChangeLog.open(held.uri).append(rows([Change("b", 2)]), {"p": 1})
    assert len(stored(held.uri)) == 2


def test_a_commit_that_was_overwritten_is_found_and_its_rows_are_written_again(held: ChangeLog) -> None:
    """What two workers do to each other in a store that does not keep conditional puts."""
    other = ChangeLog.open(held.uri)
    held.append(rows([Change("a", 1)]), {"p": 1})
    commit = folder(held) / "_delta_log" / f"{held.version():020d}.json"
    commit.unlink()
    other.append(rows([Change("b", 2)]), {"other": 1})
    with pytest.raises(CommitConflict, match="commit 1 was overwritten by another one"):
        held.append(rows([Change("c", 3)]), {"p": 2})
    again = ChangeLog.open(held.uri)
    assert again.position() == {"other": 1}
    again.append(rows([Change("a", 1), Change("c", 3)]), {"p": 2})
    assert sorted(row["_id"] for row in stored(held.uri)) == ["a", "b", "c"]
