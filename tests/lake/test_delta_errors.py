from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from engine.errors import CommitConflict, InternalError, LakeError, OplakeError, RetryableError
from engine.lake.change_log import ChangeLog
from engine.lake.dead_letters import DeadLetters
from engine.lake.delta_errors import StoreSilent, committing, is_of_store, reading
from engine.lake.observe import observe_table
from engine.stack.ports import free_port
from tests.lake.changes import COLUMNS, Change, rows


def test_a_bare_exception_of_a_cast_is_a_bug_of_ours(tmp_path: Path) -> None:
    """deltalake 1.6.6 raises ``Exception`` itself for some casts."""
    DeltaTable.create(str(tmp_path), pa.schema([("n", pa.int32())]))
    with pytest.raises(Exception, match="Cannot cast string") as bare:
        write_deltalake(str(tmp_path), pa.table({"n": ["q"]}), mode="append")
    assert type(bare.value) is Exception
    with pytest.raises(InternalError, match=r"rows do not fit the table \(Cast error"), committing("here"):
        write_deltalake(str(tmp_path), pa.table({"n": ["q"]}), mode="append")


def test_a_table_in_a_folder_that_may_not_be_entered_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may enter every folder, so the system's answer is given to it; deltalake sees no folder then."""
    uri = str(tmp_path / "closed" / "changes")
    stat = os.stat

    def refuse(path: str, **more: Any) -> os.stat_result:  # noqa: ANN401 - as os.stat takes them
        if str(path).startswith(uri):
            raise PermissionError(13, "Permission denied", path)
        return stat(path, **more)

    monkeypatch.setattr(os, "stat", refuse)
    looks: list[Callable[[str], object]] = [observe_table, ChangeLog.open, lambda uri: DeadLetters(uri).read()]
    for look in looks:
        with pytest.raises(LakeError, match="may not look into") as caught:
            look(uri)
        assert "right to read" in caught.value.remedy


@pytest.mark.parametrize("guard", [reading, committing])
def test_what_is_no_error_of_the_library_passes_untouched(guard: object) -> None:
    for error in (ValueError("mine"), KeyboardInterrupt(), LakeError("known")):
        with pytest.raises(type(error)) as caught, guard("here"):  # type: ignore[operator]
            raise error
        assert caught.value is error


def test_a_commit_whose_fate_is_unknown_is_to_be_looked_up(tmp_path: Path) -> None:
    with pytest.raises(CommitConflict, match="its fate is unknown") as caught, committing("s3://b/t"):
        raise OSError("connection reset after the request was sent")
    assert isinstance(caught.value, RetryableError)
    assert is_of_store(caught.value)
    assert "compare its position" in caught.value.remedy
    log = ChangeLog.create(str(tmp_path / "changes"), COLUMNS)
    batch = rows([Change("a", 1)])
    write_deltalake(log.uri, batch.slice(0, 0), mode="append")
    ChangeLog.open(log.uri).append(batch, {"p": 1})
    with pytest.raises(CommitConflict) as conflict:
        log.append(batch, {"p": 1})
    assert not is_of_store(conflict.value), "another writer was first: the store did what it should"
    assert ChangeLog.open(log.uri).position() == {"p": 1}, "what the caller finds when it looks"


def test_a_store_that_does_not_answer_can_be_waited_for() -> None:
    options = {"aws_endpoint": f"http://127.0.0.1:{free_port()}", "aws_allow_http": "true", "max_retries": "0"}
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "us-east-1"}
    with pytest.raises(StoreSilent) as caught:
        ChangeLog.open("s3://lake/things/changes", options | keys)
    assert is_of_store(caught.value)


def test_a_lost_table_is_told_with_its_place_and_a_remedy(tmp_path: Path) -> None:
    uri = str(tmp_path / "gone")
    with pytest.raises(LakeError) as caught:
        ChangeLog.open(uri)
    assert caught.value.where == uri
    assert "oplake apply" in caught.value.remedy


def test_a_data_file_that_is_gone_is_told_while_it_is_read(tmp_path: Path) -> None:
    log = ChangeLog.create(str(tmp_path / "changes"), COLUMNS)
    log.append(rows([Change("a", 1)]), {})
    for data in tmp_path.glob("changes/*/*.parquet"):
        data.unlink()
    with pytest.raises(OplakeError) as caught:
        log.key_at(Change("", 1).order)
    assert isinstance(caught.value, LakeError)
    assert "a file of the table is gone" in caught.value.what
