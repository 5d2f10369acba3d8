from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from engine.lake.touched_share import touched_share

TAIL = "x" * 40
"""Longer than what Delta keeps of a text in a file's statistics."""


def table_of(folder: Path, *files: list[str]) -> DeltaTable:
    for ids in files:
        write_deltalake(folder, pa.table({"_id": [f"{one}{TAIL}" for one in ids]}), mode="append")
    return DeltaTable(folder)


def share(table: DeltaTable, *ids: str) -> float:
    return touched_share(table, sorted(f"{one}{TAIL}" for one in ids))


def test_files_whose_documents_stay_do_not_count(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"])
    assert share(table, "c", "c1", "c2", "d") == pytest.approx(0.25, abs=0.01)
    assert share(table, *"abcdefgh", *(f"{one}{n}" for one in "aceg" for n in range(9))) > 0.95


def test_the_last_document_of_a_file_whose_maximum_was_cut_off_lies_in_it(tmp_path: Path) -> None:
    assert share(table_of(tmp_path, ["a", "b"]), "b") > 0.6


def test_of_files_that_overlap_each_may_hold_the_documents(tmp_path: Path) -> None:
    table = table_of(tmp_path, *([f"a{n}", f"z{n}"] for n in range(10)))
    assert share(table, "m") < 0.15
    assert share(table, *(f"m{n:03}" for n in range(100))) > 0.9


def test_no_documents_touch_nothing(tmp_path: Path) -> None:
    assert touched_share(table_of(tmp_path, ["a"]), []) == 0.0
