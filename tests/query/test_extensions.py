"""DuckDB's extensions: signed files alone are loaded, and each is checked once for as long as it stays as it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
import pytest

from engine.errors import ToolMissing
from engine.query import extensions
from engine.query.extensions import with_extensions
from engine.query.run import _prepared
from tests.query.lakes import SmallLake


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An extension's file that a test may change."""
    path = tmp_path / "httpfs.duckdb_extension"
    shutil.copyfile(extensions._path("httpfs"), path)
    monkeypatch.setattr(extensions, "_path", lambda _: path)
    return path


def load() -> None:
    with with_extensions(("httpfs",), {}) as connection:
        connection.execute("select 1")


def spoil(path: Path) -> None:
    """Change the last byte of the signature, and nothing that runs."""
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))


def test_a_file_whose_signature_is_wrong_is_refused(copied: Path) -> None:
    spoil(copied)
    with pytest.raises(ToolMissing, match="cannot be loaded"):
        load()
    with pytest.raises(ToolMissing, match="signature"):
        load()


def test_a_file_is_checked_once_and_again_when_it_has_been_written(copied: Path) -> None:
    load()
    before = copied.stat()
    spoil(copied)
    os.utime(copied, ns=(before.st_atime_ns, before.st_mtime_ns))
    load()  # nothing told that it is another
    os.utime(copied)
    with pytest.raises(ToolMissing):
        load()


def test_no_query_may_load_what_is_not_signed(orders: SmallLake) -> None:
    for _ in range(2):  # the second does not check the file again
        with _prepared(orders.query("select 1")) as (connection, _):
            allowed = connection.execute("select current_setting('allow_unsigned_extensions')").fetchone()
            assert allowed == (False,)
            with pytest.raises(duckdb.Error):
                connection.execute("SET allow_unsigned_extensions = true")
