"""Removing the folder of a table: all of it, nothing beside it, and again after any interruption."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from engine.errors import LakeError
from engine.resources.table_folder import MARK, erase_table, has_remnant

ERASE = """
import sys
from engine.resources.table_folder import erase_table
erase_table(sys.argv[1], {})
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    folder = tmp_path / "lake" / "orders" / "changes"
    for country in ("de", "a b/ü", "fr"):
        rows = pa.table({"n": [1], "country": [country]})
        write_deltalake(folder, rows, partition_by=["country"], mode="append")
    return folder


def test_the_folder_is_gone_and_its_neighbours_stay(table: Path) -> None:
    for name in ("changes2", "current"):
        write_deltalake(table.parent / name, pa.table({"n": [1]}))
    erase_table(str(table), {})
    assert sorted(path.name for path in table.parent.iterdir()) == ["changes2", "current"]
    assert pa.table(DeltaTable(table.parent / "changes2").scan()).num_rows == 1


def test_a_table_that_is_not_there_is_fine(tmp_path: Path) -> None:
    erase_table(str(tmp_path / "none"), {})
    assert not has_remnant(str(tmp_path / "none"), {})


def test_a_link_inside_the_folder_goes_and_what_it_points_at_stays(table: Path, tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / "data.parquet").write_text("mine")
    (table / "country=link").symlink_to(outside, target_is_directory=True)
    (table / "file-link").symlink_to(outside / "data.parquet")
    erase_table(str(table), {})
    assert not table.exists()
    assert (outside / "data.parquet").read_text() == "mine"


def test_a_folder_that_is_a_link_is_refused(table: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(table, target_is_directory=True)
    with pytest.raises(LakeError, match="link to another place"):
        erase_table(str(link), {})
    assert pa.table(DeltaTable(table).scan()).num_rows == 3


def test_a_removal_that_was_killed_shows_no_table_and_is_finished_by_another(table: Path) -> None:
    environment = {**os.environ, "OPLAKE_CRASH_AT": "apply.erase.hidden"}
    killed = subprocess.run([sys.executable, "-c", ERASE, str(table)], env=environment, check=False)
    assert killed.returncode == -9
    assert not DeltaTable.is_deltatable(str(table))
    assert has_remnant(str(table), {})
    erase_table(str(table), {})
    assert not table.exists()
    assert not has_remnant(str(table), {})


def test_a_table_made_again_over_a_remnant_is_removed_with_it(table: Path) -> None:
    (table / "_delta_log").rename(table / MARK)
    write_deltalake(table, pa.table({"n": [1]}))
    erase_table(str(table), {})
    assert not table.exists()
