"""The unfolded end of a change log as a table in DuckDB: the newest change of each document in it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from engine.lake.fold_limits import FoldLimits
from engine.lake.log_commits import LogHistoryGone
from engine.lake.row_order import newest_rows
from engine.query.snapshot import Snapshot
from engine.query.sql_text import delta_scan, identifier, literal

SCHEMA = "oplake"
"""DuckDB schema of what the views are made from."""
_STEP = "oplake_step"


def tail_table(name: str) -> str:
    """The SQL name of a table's tail."""
    return f"{SCHEMA}.{identifier(name + '__tail')}"


def load_tail(
    connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, columns: Sequence[str], *, is_empty: bool
) -> bool:
    """Read the log's rows after the folded version into ``tail_table``; DuckDB spills what memory cannot hold.

    Args:
        columns: ``_id``, ``_position`` and ``_op`` among them.
        is_empty: leave it empty, for a view whose columns alone are wanted.

    Returns:
        False when the log no longer knows which rows are new: then its whole must be read.
    """
    assert snapshot.folded is not None  # noqa: S101 - the caller's promise
    name = tail_table(snapshot.name)
    listed = ", ".join(map(identifier, columns))
    empty = snapshot.log.schema.empty_table().select(list(columns))
    _add(connection, f"CREATE TABLE {name} AS SELECT {listed}", empty)
    if is_empty:
        return True
    try:
        for step in snapshot.log.steps(snapshot.folded.through, columns, FoldLimits()):
            _add(connection, f"INSERT INTO {name} SELECT {listed}", newest_rows(step.rows))
    except LogHistoryGone:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        return False
    _keep_newest(connection, name)
    _drop_deleted(connection, name, snapshot)
    return True


def _add(connection: duckdb.DuckDBPyConnection, statement: str, rows: pa.Table) -> None:
    connection.register(_STEP, rows)
    connection.execute(f"{statement} FROM {_STEP}")
    connection.unregister(_STEP)


def _keep_newest(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(
        f"DELETE FROM {name} USING {name} newer WHERE newer._id = {name}._id AND newer._position > {name}._position"
    )


def _drop_deleted(connection: duckdb.DuckDBPyConnection, name: str, snapshot: Snapshot) -> None:
    """Take out rows that arrived after a later delete of their document was folded: they must not rise again."""
    earliest = connection.execute(f"SELECT min(_position) FROM {name} WHERE _op <> 'd'").fetchone()
    if not earliest or earliest[0] is None:
        return
    log = delta_scan(snapshot.log.table.table_uri, snapshot.log.version)
    connection.execute(
        f"DELETE FROM {name} USING (SELECT _id, _position FROM {log} "
        f"WHERE _op = 'd' AND _position > {literal(earliest[0])}) deleted "
        f"WHERE deleted._id = {name}._id AND deleted._position > {name}._position"
    )
