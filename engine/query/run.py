"""A query from its text to a stream of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from engine.errors import QueryError, UsageError
from engine.query.as_of import NOW, AsOf
from engine.query.catalogue import Catalogue, Lake
from engine.query.failures import located, with_cause
from engine.query.limits import Deadline, Limits
from engine.query.session import lock_down, open_session
from engine.query.snapshot import Snapshots
from engine.query.statement import Statement, parse_statement

_BATCH_ROWS = 8192
_EXPLAIN = "EXPLAIN "


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and how it is to run. ``temp_root`` is where it may spill."""

    sql: str
    lake: Lake
    temp_root: Path
    as_of: AsOf = NOW
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Rows:
    """The result as Arrow batches, fetched as they are asked for; readable once, within its ``with`` block."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    json_columns: frozenset[int]
    """Columns whose text is JSON (DuckDB's JSON type)."""


@contextmanager
def run_query(query: Query) -> Iterator[Rows]:
    """Run one SELECT over the lake's views.

    Raises:
        QueryError: the statement is refused or fails, or takes too long or too much memory.
        UsageError: a version is asked for of several tables.
        LakeError: a table cannot be read.
    """
    with _prepared(query) as (connection, catalogue), located(query.sql, catalogue.names):
        result = connection.execute(query.sql)
        types = [str(column[1]) for column in result.description]
        reader = result.to_arrow_reader(_BATCH_ROWS)
        is_json = frozenset(place for place, name in enumerate(types) if name == "JSON")
        yield Rows(reader.schema, _batches(reader, connection, query, catalogue), is_json)


def explain_query(query: Query) -> str:
    """DuckDB's physical plan, with the filters and columns that each scan is given.

    Raises as ``run_query`` does.
    """
    with (
        _prepared(query) as (connection, catalogue),
        located(query.sql, catalogue.names, offset=len(_EXPLAIN)),
    ):
        return "\n".join(str(row[1]) for row in connection.execute(_EXPLAIN + query.sql).fetchall())


@contextmanager
def _prepared(query: Query) -> Iterator[tuple[duckdb.DuckDBPyConnection, Catalogue]]:
    """A locked connection with the views the statement needs, under the query's deadline."""
    lake, deadline = query.lake, Deadline(query.limits.time)
    with (
        open_session(lake.uri, lake.storage_options, query.limits, query.temp_root) as connection,
        deadline.watch(connection),
    ):
        try:
            catalogue = Catalogue(connection, lake, Snapshots(lake.uri, lake.storage_options, query.as_of))
            _make_views(query, connection, catalogue)
            lock_down(connection, lake.uri)
            yield connection, catalogue
        except (QueryError, duckdb.Error) as error:
            if not deadline.has_passed:
                raise
            raise QueryError(
                f"stopped after {query.limits.time.total_seconds():g} s",
                remedy="raise --timeout, or read fewer rows and columns",
            ) from error


def _make_views(query: Query, connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    statement = parse_statement(connection, query.sql)
    _check_as_of(query, statement, catalogue)
    with located(None):
        catalogue.make(statement.tables)
        if statement.reads_catalogue:
            catalogue.make_the_rest()


def _check_as_of(query: Query, statement: Statement, catalogue: Catalogue) -> None:
    tables = catalogue.tables_among(statement.tables)
    if query.as_of.version is not None and len(tables) > 1:
        raise UsageError(
            f"a version belongs to one table, and the statement reads {', '.join(sorted(tables))}",
            where="--as-of",
            remedy="ask for a time: it means the same in all tables",
        )


def _batches(
    reader: pa.RecordBatchReader, connection: duckdb.DuckDBPyConnection, query: Query, catalogue: Catalogue
) -> Iterator[pa.RecordBatch]:
    with located(query.sql, catalogue.names):
        yield from with_cause(reader, lambda: connection.execute(query.sql).to_arrow_reader(_BATCH_ROWS))
