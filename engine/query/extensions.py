"""DuckDB's Delta and S3 extensions, loaded from the installed wheels: nothing is ever downloaded.

A signature is a hash of tens of megabytes, more work than most queries: a process has each file checked once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import duckdb

from engine.errors import ToolMissing

Extension = Literal["delta", "httpfs"]
_File = tuple[str, int, int, int]
_checked: set[_File] = set()


@contextmanager
def with_extensions(names: Sequence[Extension], config: Mapping[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that has loaded these extensions, which must be built for this very version of DuckDB.

    Args:
        config: DuckDB's settings for its start.

    Raises:
        ToolMissing: a wheel is not installed, or is for another version or platform, or its file is damaged.
    """
    paths = {name: _path(name) for name in names}
    files = {_file(path) for path in paths.values()}
    unsigned = "true" if files <= _checked else "false"
    with duckdb.connect(":memory:", config={**config, "allow_unsigned_extensions": unsigned}) as connection:
        for name, path in paths.items():
            _load(connection, name, path)
        connection.execute("SET allow_unsigned_extensions = false")
        _checked.update(files)
        yield connection


def _load(connection: duckdb.DuckDBPyConnection, name: Extension, path: Path) -> None:
    try:
        connection.execute(f"LOAD '{_literal(path)}'")
    except duckdb.Error as error:
        raise _missing(name, str(error).splitlines()[0]) from error


def _file(path: Path) -> _File:
    """What is another as soon as the file has been written again."""
    now = path.stat()
    return str(path), now.st_ino, now.st_size, now.st_mtime_ns


def _path(name: Extension) -> Path:
    package = find_spec(f"duckdb_extension_{name}")
    folders = list(package.submodule_search_locations or ()) if package else []
    version = f"v{duckdb.__version__}"
    for folder in folders:
        path = Path(folder, "extensions", version, f"{name}.duckdb_extension")
        if path.is_file():
            return path
    raise _missing(name, f"no build for DuckDB {version}" if folders else "its wheel is not installed")


def _missing(name: Extension, why: str) -> ToolMissing:
    return ToolMissing(
        f"DuckDB's {name} extension cannot be loaded: {why}",
        remedy=f"install it beside DuckDB: pip install duckdb-extension-{name}=={duckdb.__version__}",
    )


def _literal(path: Path) -> str:
    return str(path).replace("'", "''")
