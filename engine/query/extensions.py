"""DuckDB's Delta and S3 extensions, loaded from the installed wheels: nothing is ever downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import duckdb

from engine.errors import ToolMissing

Extension = Literal["delta", "httpfs"]


def load(connection: duckdb.DuckDBPyConnection, name: Extension) -> None:
    """Load an extension that was built for this very version of DuckDB.

    Raises:
        ToolMissing: its wheel is not installed, or is for another version or platform.
    """
    path = _path(name)
    try:
        connection.execute(f"LOAD '{_literal(path)}'")
    except duckdb.Error as error:
        raise _missing(name, str(error).splitlines()[0]) from error


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
