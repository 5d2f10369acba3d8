from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from engine.errors import ToolMissing
from engine.stack import s3
from engine.stack.s3 import BUCKET, SeaweedStore

pytestmark = pytest.mark.server


def test_a_killed_store_starts_again_with_its_tables(tmp_path: Path) -> None:
    with SeaweedStore(tmp_path) as store:
        uri = f"s3://{BUCKET}/t"
        write_deltalake(uri, pa.table({"n": [1, 2]}), storage_options=store.storage_options())
        store.kill()
        assert store.pid is None
        store.start()
        assert pa.table(DeltaTable(uri, storage_options=store.storage_options()).scan()).num_rows == 2


def test_a_missing_store_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(s3.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ToolMissing, match=r"oplake\[dev-store\]"):
        SeaweedStore(tmp_path).start()
