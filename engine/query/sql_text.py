"""Names and strings as SQL text, and Delta tables as DuckDB reads them."""

from __future__ import annotations

from urllib.parse import quote

from engine.errors import LakeError


def identifier(name: str) -> str:
    """A name in double quotes."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literal(text: str) -> str:
    """A string in single quotes."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def delta_scan(uri: str, version: int) -> str:
    """The table function that reads one version of a Delta table.

    Raises:
        LakeError: the path has a percent sign, which DuckDB's Delta reader decodes once too often.
    """
    if "://" in uri:
        return f"delta_scan({literal(uri)}, version => {version})"
    if "%" in uri:
        raise LakeError(
            "DuckDB cannot read a Delta table below a folder with `%` in its name",
            where=uri,
            remedy="move the lake to another folder",
        )
    # Plain paths with letters beyond ASCII are resolved wrongly by DuckDB 1.5.5; file URLs are not.
    return f"delta_scan({literal('file://' + quote(uri))}, version => {version})"
