"""A statement as DuckDB's own parser reads it: one SELECT, what it mentions, nothing that reaches outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from engine.errors import QueryError
from engine.query.failures import located

ALLOWED_FUNCTIONS = frozenset(
    {
        *("range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"),
        *("duckdb_columns", "duckdb_tables", "duckdb_views", "duckdb_types", "duckdb_functions"),
        *("duckdb_keywords", "pragma_table_info", "summary", "histogram", "histogram_values"),
    }
)
"""Table functions that read nothing but their arguments and the views; all others are refused, since
they read files, run SQL given as text, or show settings and secrets."""

_CATALOGUE_SCHEMAS = frozenset({"information_schema", "pg_catalog"})
_CATALOGUE_NAMES = ("duckdb_", "pragma_", "sqlite_master")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT. ``tables`` are all names it may read, as written, names of CTEs among them."""

    sql: str
    tables: frozenset[str]
    reads_catalogue: bool
    """It asks which views or columns there are (SHOW TABLES, information_schema)."""


def parse_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> Statement:
    """Read SQL text and refuse everything but a single SELECT (WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE too).

    Raises:
        QueryError: it does not parse, or is refused.
    """
    with located(sql):
        statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise QueryError(f"expected one statement, found {len(statements)}", remedy="run one SELECT at a time")
    _check_type(statements[0])
    nodes = list(_nodes(_tree(connection, sql)))
    _check_functions(nodes)
    named = [node for node in nodes if node.get("type") == "BASE_TABLE"]
    return Statement(
        sql,
        frozenset(str(node["table_name"]) for node in named),
        any(_is_catalogue(node) for node in nodes),
    )


def _check_type(statement: duckdb.Statement) -> None:
    if statement.type == duckdb.StatementType.SELECT:
        return
    kind = str(statement.type).rpartition(".")[2]
    remedy = "oplake query only reads: SELECT, WITH, VALUES, DESCRIBE, SUMMARIZE and SHOW"
    if statement.type == duckdb.StatementType.EXPLAIN:
        remedy = "leave EXPLAIN out and add --explain"
    elif statement.type == duckdb.StatementType.CREATE:
        remedy = "oplake query only reads (a PIVOT needs its values listed: ON column IN (...))"
    raise QueryError(f"{kind} statements are refused", remedy=remedy)


def _tree(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    row = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise QueryError(
            f"the statement cannot be checked: {tree.get('error_message', 'no reason given')}",
            remedy="oplake query only reads: SELECT, WITH, VALUES, DESCRIBE, SUMMARIZE and SHOW",
        )
    return tree


def _nodes(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - JSON
    """Every object in a tree, wherever it hangs; a stack, because statements may nest deeper than Python does."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _check_functions(nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        if node.get("type") != "TABLE_FUNCTION":
            continue
        name = str(node["function"].get("function_name", "")).lower()
        if name not in ALLOWED_FUNCTIONS:
            raise QueryError(
                f"the table function {name}() is refused: a query reads the lake's views and nothing else",
                remedy=f"allowed are {', '.join(sorted(ALLOWED_FUNCTIONS))}",
            )


def _is_catalogue(node: dict[str, Any]) -> bool:
    if node.get("type") == "SHOW_REF":
        return node.get("query") is None
    if node.get("type") == "TABLE_FUNCTION":
        return str(node["function"].get("function_name", "")).lower().startswith(_CATALOGUE_NAMES)
    return node.get("type") == "BASE_TABLE" and (
        str(node.get("schema_name", "")).lower() in _CATALOGUE_SCHEMAS
        or str(node.get("table_name", "")).lower().startswith(_CATALOGUE_NAMES)
    )
