"""Tables in an object store: created, altered, replaced and removed there, killed half-way and finished."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyarrow.fs import FileSelector, FileType

from engine.resources.table_folder import erase_table, has_remnant
from engine.stack.s3 import ACCESS_KEY, BUCKET, SECRET_KEY, S3Store
from tests.planner.worlds import World, decided

pytestmark = pytest.mark.server
ERASE = """
import json, sys
from engine.resources.table_folder import erase_table
erase_table(sys.argv[1], json.loads(sys.argv[2]))
"""


@pytest.fixture
def options(s3: S3Store) -> dict[str, str]:
    return s3.storage_options()


@pytest.fixture
def table(tmp_path: Path, options: dict[str, str]) -> str:
    uri = f"s3://{BUCKET}/{tmp_path.name}/orders/changes"
    for country in ("de", "a b/ü", "fr"):
        rows = pa.table({"n": [1], "country": [country]})
        write_deltalake(uri, rows, partition_by=["country"], mode="append", storage_options=options)
    write_deltalake(f"{uri}2", pa.table({"n": [1]}), storage_options=options)
    return uri


def objects(store: S3Store, uri: str) -> list[str]:
    selector = FileSelector(uri.removeprefix("s3://"), allow_not_found=True, recursive=True)
    return [info.path for info in store.filesystem().get_file_info(selector) if info.type == FileType.File]


def test_every_object_of_the_table_goes_and_no_other(table: str, s3: S3Store, options: dict[str, str]) -> None:
    erase_table(table, options)
    assert objects(s3, table) == []
    assert not has_remnant(table, options)
    assert pa.table(DeltaTable(f"{table}2", storage_options=options).scan()).num_rows == 1
    erase_table(table, options)


def test_a_removal_that_was_killed_shows_no_rows_and_is_finished(
    table: str, s3: S3Store, options: dict[str, str]
) -> None:
    environment = {**os.environ, "OPLAKE_CRASH_AT": "apply.erase.hidden"}
    command = [sys.executable, "-c", ERASE, table, json.dumps(options)]
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    assert objects(s3, table)
    assert has_remnant(table, options)
    with pytest.raises(Exception, match=r"."):
        pa.table(DeltaTable(table, storage_options=options).scan())
    erase_table(table, options)
    assert objects(s3, table) == []
    assert not has_remnant(table, options)


def test_tables_live_their_whole_life_in_a_store(tmp_path: Path, s3: S3Store, options: dict[str, str]) -> None:
    lake = f"s3://{BUCKET}/{tmp_path.name}"
    storage = {"endpoint": s3.endpoint, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "allow_http": True}
    world = World(tmp_path)
    world.target(lake={"uri": lake, "storage": storage})
    world.spec()
    assert world.apply().steps == 2
    assert world.plan().is_empty
    log = DeltaTable(f"{lake}/orders/changes", storage_options=options)
    log.alter.set_table_properties({"delta.logRetentionDuration": "interval 1 days"})
    assert [change.title for change in world.plan().drifted] == ["orders/changes"]
    world.apply()
    world.spec(partition_by=[])
    assert set(decided(world.plan())) == {"orders/changes", "orders/current"}
    world.apply(allow_replace=True)
    assert world.plan().is_empty
    table = DeltaTable(f"{lake}/orders/changes", storage_options=options)
    assert table.metadata().partition_columns == []
    for path in (world.root / ".oplake").rglob("*"):
        assert SECRET_KEY.encode() not in path.read_bytes()
