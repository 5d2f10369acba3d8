from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from engine.errors import CommitConflict, ResumePointLost
from engine.lake.commit import append_rows, write_parts

SCHEMA = pa.schema([pa.field("_id", pa.string()), pa.field("n", pa.int64())])


def rows(*numbers: int) -> pa.Table:
    return pa.table({"_id": [f"k{n}" for n in numbers], "n": list(numbers)}, schema=SCHEMA)


@pytest.fixture
def table(tmp_path: Path) -> DeltaTable:
    write_deltalake(tmp_path, rows(1))
    return DeltaTable(tmp_path)


def numbers(table: DeltaTable) -> list[int]:
    return sorted(pa.table(DeltaTable(table.table_uri).scan()).column("n").to_pylist())


def test_whoever_writes_a_table_anew_is_told_of_any_commit_in_between(table: DeltaTable) -> None:
    write_deltalake(table.table_uri, rows(2), mode="append")
    with pytest.raises(CommitConflict):
        write_parts(table, iter([rows(3)]), SCHEMA, {"p": 1}, overwrite=True)
    assert numbers(table) == [1, 2]


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_error_in_the_middle_of_the_rows_is_told_as_it_is_and_nothing_is_committed(
    table: DeltaTable, overwrite: bool
) -> None:
    def parts() -> Iterator[pa.Table]:
        yield rows(*range(10_000))
        raise ResumePointLost("the rest is gone", where="somewhere", remedy="none")

    with pytest.raises(ResumePointLost, match="the rest is gone"):
        write_parts(table, parts(), SCHEMA, {"p": 1}, overwrite=overwrite)
    assert numbers(table) == [1]


@pytest.mark.parametrize(("overwrite", "left"), [(False, [1]), (True, [])])
def test_no_rows_at_all_still_commit_the_position(table: DeltaTable, overwrite: bool, left: list[int]) -> None:
    write_parts(table, iter([]), SCHEMA, {"p": 7}, overwrite=overwrite)
    assert DeltaTable(table.table_uri).transaction_version("oplake:p") == 7
    assert numbers(table) == left


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_written_is_compressed(tmp_path: Path, overwrite: bool) -> None:
    """deltalake 1.6.6 writes uncompressed files when it is given any other property of a writer."""
    table = DeltaTable.create(str(tmp_path), SCHEMA)
    append_rows(table, rows(*range(1000)), {"p": 1})
    write_parts(DeltaTable(tmp_path), iter([rows(*range(1000))]), SCHEMA, {"p": 2}, overwrite=overwrite)
    for file in tmp_path.glob("*.parquet"):
        group = pq.read_metadata(file).row_group(0)
        assert {group.column(number).compression for number in range(group.num_columns)} == {"SNAPPY"}
