"""MinIO, which production runs, in the place of the store that the other tests use."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from engine.errors import LakeError
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.store_probe import require_conditional_put
from engine.spec.project import load_project
from engine.stack.s3 import BUCKET, MinioStore, local_store
from tests.built_servers import BUILT, needs
from tests.cli.command_line import oplake
from tests.lake.changes import COLUMNS, Change, rows

pytestmark = [needs("minio"), pytest.mark.server]
QUICK = {"timeout": "2s", "connect_timeout": "1s", "max_retries": "1", "retry_timeout": "2s"}


@pytest.fixture(autouse=True)
def minio_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{BUILT}:{os.environ['PATH']}")


def test_a_minio_on_path_is_the_store_of_the_stack(tmp_path: Path) -> None:
    def stack(*words: str) -> str:
        done = oplake("stack", *words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        stack("up", "--only", "mongodb,s3", "--write-target", "laptop")
        lake = load_project(tmp_path).target("laptop").lake
        uri, options = f"{lake.location(tmp_path)}/t", lake.storage_options()
        write_deltalake(uri, pa.table({"n": [1, 2]}), storage_options=options)
        stack("kill", "s3")
        stack("restart", "s3")
        assert pa.table(DeltaTable(uri, storage_options=options).scan()).num_rows == 2
        assert "API: http" in (tmp_path / ".oplake/stack/s3/server.log").read_text()
    finally:
        stack("down")


def test_appends_and_folds_go_on_after_a_kill_with_nothing_lost_or_doubled(tmp_path: Path) -> None:
    with local_store(tmp_path / "minio") as store:
        assert isinstance(store, MinioStore)
        options = store.storage_options() | QUICK
        require_conditional_put(f"s3://{BUCKET}/lake", options)
        log = ChangeLog.create(f"s3://{BUCKET}/lake/changes", COLUMNS, storage_options=options, position={"p": 0})
        current = f"s3://{BUCKET}/lake/current"
        for number in range(1, 21):
            if number == 8:
                store.kill()
                with pytest.raises(LakeError, match=r"cannot be read .*Connection refused"):
                    log.append(rows([Change("lost", number, "c")], log.columns()), {"p": number})
                store.start()
                log = ChangeLog.open(log.uri, options)
                assert log.position() == {"p": number - 1}
            log.append(rows([Change(str(number % 7), number, values={"n": number})], log.columns()), {"p": number})
            if number % 5 == 0:
                fold_current(log, current)
        folded = pa.table(DeltaTable(current, storage_options=options).scan(columns=["_id", "n"])).to_pylist()
    assert sorted((row["_id"], row["n"]) for row in folded) == [(str(n % 7), n) for n in (14, 15, 16, 17, 18, 19, 20)]
