"""A DuckDB that can read one lake and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import duckdb

from engine.query.extensions import with_extensions
from engine.query.limits import Limits
from engine.query.s3_secret import create_secret
from engine.query.sql_text import literal
from engine.query.tail import SCHEMA
from engine.spec.store_ca import FILE

_START: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "errors_as_json": "true",
    "python_enable_replacements": "false",
}


@contextmanager
def open_session(
    lake_uri: str, storage_options: Mapping[str, str], limits: Limits, temp_root: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory with the extensions the lake needs; it spills below ``temp_root``.

    Raises:
        ToolMissing: an extension is not installed.
        OSError: ``temp_root`` cannot be written.
    """
    temp_root.mkdir(parents=True, exist_ok=True)
    spill = mkdtemp(prefix="query-", dir=temp_root)
    in_a_store = "://" in lake_uri
    try:
        with with_extensions(("delta", "httpfs") if in_a_store else ("delta",), _START) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET memory_limit = {literal(limits.memory)}")
            connection.execute(f"SET temp_directory = {literal(spill)}")
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
            if in_a_store:
                if os.environ.get(FILE):  # which the Delta extension reads itself
                    connection.execute(f"SET ca_cert_file = {literal(os.environ[FILE])}")
                create_secret(connection, lake_uri, storage_options)
            yield connection
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def open_parser() -> duckdb.DuckDBPyConnection:
    """Open a database that holds nothing and reaches nothing: it reads statements."""
    return duckdb.connect(":memory:", config={**_START, "enable_external_access": "false"})


def lock_down(connection: duckdb.DuckDBPyConnection, lake_uri: str) -> None:
    """From here on the connection reads files of the lake only, and no setting can be changed."""
    inside = literal(lake_uri.rstrip("/") + "/")
    connection.execute(f"SET allowed_directories = [{inside}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
