from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable

from engine.errors import LakeError
from engine.lake.change_log import LOG_PROPERTIES, ChangeLog
from engine.lake.fold import fold_current
from engine.lake.observe import observe_table
from tests.lake.changes import COLUMNS, Change, rows


def test_where_there_is_no_table_nothing_is_observed(tmp_path: Path) -> None:
    assert observe_table(str(tmp_path / "none")) is None
    (tmp_path / "empty").mkdir()
    assert observe_table(str(tmp_path / "empty")) is None


def test_a_log_is_observed_from_its_metadata(tmp_path: Path) -> None:
    log = ChangeLog.create(str(tmp_path / "changes"), COLUMNS)
    empty = observe_table(log.uri)
    assert empty is not None
    assert (empty.num_rows, empty.num_files, empty.size_bytes, empty.version) == (0, 0, 0, 0)
    log.append(rows([Change("a", 1), Change("b", 2)]), {"p": 2})
    table = observe_table(log.uri)
    assert table is not None
    assert table.columns == COLUMNS
    assert table.has_system_columns
    assert table.partition_by == ("_ingestion_date",)
    assert dict(table.properties) == dict(LOG_PROPERTIES)
    assert (table.num_rows, table.num_files, table.version) == (2, 1, 1)
    assert table.size_bytes > 0
    assert table.id == empty.id


def test_altered_properties_are_seen_and_a_table_made_again_is_another(tmp_path: Path) -> None:
    log = ChangeLog.create(str(tmp_path / "one"), COLUMNS)
    DeltaTable(log.uri).alter.set_table_properties({"delta.enableChangeDataFeed": "false"})
    altered = observe_table(log.uri)
    other = observe_table(ChangeLog.create(str(tmp_path / "two"), COLUMNS).uri)
    assert altered is not None
    assert other is not None
    assert altered.properties["delta.enableChangeDataFeed"] == "false"
    assert altered.id != other.id


def test_a_table_that_cannot_be_read_is_an_error_with_its_place(tmp_path: Path) -> None:
    log = ChangeLog.create(str(tmp_path / "changes"), COLUMNS)
    (tmp_path / "changes" / "_delta_log" / f"{0:020d}.json").write_text("{broken")
    with pytest.raises(LakeError) as caught:
        observe_table(log.uri)
    assert caught.value.where == log.uri
    assert caught.value.remedy


def test_a_store_that_does_not_answer_is_the_operators_to_mend() -> None:
    options = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "very-secret",
        "AWS_REGION": "local",
        "max_retries": "0",
    }
    with pytest.raises(LakeError) as caught:
        observe_table("s3://bucket/table", options)
    assert "very-secret" not in str(caught.value)


def test_observing_a_folded_table_reads_no_data(tmp_path: Path) -> None:
    log = ChangeLog.create(str(tmp_path / "changes"), COLUMNS)
    log.append(rows([Change("a", 1)]), {"p": 1})
    fold_current(log, str(tmp_path / "current"))
    for data in (tmp_path / "current").glob("*.parquet"):
        data.unlink()
    table = observe_table(str(tmp_path / "current"))
    assert table is not None
    assert (table.num_rows, table.has_system_columns) == (1, True)
