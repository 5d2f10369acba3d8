"""Names and strings as SQL text, and Delta tables as DuckDB reads them."""

from __future__ import annotations


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

    Args:
        uri: as deltalake's ``table_uri`` has it, a URL: of plain paths with letters beyond ASCII DuckDB 1.5.5
            makes others.
    """
    return f"delta_scan({literal(uri)}, version => {version})"
