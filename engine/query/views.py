"""The four views of a table: ``orders`` (live), ``orders__current``, ``orders__changes``, ``orders__history``.

Each is SQL over Delta tables pinned to one version, so a query sees one state however long it runs and
however often it mentions a table; DuckDB pushes filters and columns down into the scans.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.decode.system_columns import CURRENT_COLUMNS, HISTORY_COLUMNS, LOG_COLUMNS, NO_IMAGE
from engine.query.snapshot import Folded, Snapshot
from engine.query.sql_text import delta_scan, identifier, literal
from engine.query.tail import tail_table

LIVE, CURRENT, CHANGES, HISTORY = "", "__current", "__changes", "__history"
SUFFIXES = (LIVE, CURRENT, CHANGES, HISTORY)


def tail_columns(snapshot: Snapshot) -> list[str]:
    """What the live view needs of the log's rows."""
    return [*snapshot.log.columns.fields, "_op", *CURRENT_COLUMNS.names]


def live(snapshot: Snapshot, *, has_tail: bool) -> str:
    """The newest row of each document, deletes gone: exactly what folding now would give.

    Args:
        has_tail: ``tail_table`` holds what is newer than the folded table; else the whole log is read.
    """
    columns = [*snapshot.log.columns.fields, *CURRENT_COLUMNS.names]
    if snapshot.folded is None or not has_tail:
        if snapshot.folded is not None and snapshot.folded.through == snapshot.log.version:
            return _select(columns, _folded_rows(snapshot.folded))
        return _newest_of_log(snapshot, columns)
    tail, folded = tail_table(snapshot.name), _folded_rows(snapshot.folded)
    # A tail row may be older than the folded one: deliveries repeat. Deleted documents have a tail row too.
    return _select(
        columns,
        f"(SELECT f.* FROM {folded} f ANTI JOIN {tail} t ON t._id = f._id AND t._position > f._position "
        f"UNION ALL BY NAME SELECT t.* EXCLUDE (_op) FROM {tail} t ANTI JOIN {folded} f "
        f"ON f._id = t._id AND f._position >= t._position WHERE t._op <> 'd')",
    )


def needs_tail(snapshot: Snapshot) -> bool:
    """Whether the log goes further than the folded table."""
    return snapshot.folded is not None and snapshot.folded.through < snapshot.log.version


def current(snapshot: Snapshot) -> str | None:
    """The rows as folded last; None when nothing has been."""
    if snapshot.folded is None:
        return None
    return _system_columns_last(_folded_rows(snapshot.folded), CURRENT_COLUMNS.names)


def changes(snapshot: Snapshot) -> str:
    """The log, one row a change."""
    columns = [*snapshot.log.columns.fields, *LOG_COLUMNS.names]
    return _select(columns, _log(snapshot))


def history(snapshot: Snapshot) -> str:
    """One row a version of a document: the folded table, or made from the log where there is none."""
    if snapshot.folded is not None and snapshot.folded.mode == "history":
        return _system_columns_last(_scan(snapshot.folded), HISTORY_COLUMNS.names)
    return _history_of_log(snapshot)


def _folded_rows(folded: Folded) -> str:
    if folded.mode == "current":
        return _scan(folded)
    gone = [name for name in HISTORY_COLUMNS.names if name not in CURRENT_COLUMNS.names]
    return f"(SELECT * EXCLUDE ({_list(gone)}) FROM {_scan(folded)} WHERE _is_current)"


def _newest_of_log(snapshot: Snapshot, columns: Sequence[str]) -> str:
    return (
        f"SELECT {_list(columns)} FROM (SELECT * FROM {_log_with_images(snapshot)} "
        f"QUALIFY row_number() OVER (PARTITION BY _id ORDER BY _position DESC) = 1) WHERE _op <> 'd'"
    )


def _history_of_log(snapshot: Snapshot) -> str:
    """As the history fold does it: each version holds until the next change, by position; time never runs back."""
    columns = [*snapshot.log.columns.fields, *HISTORY_COLUMNS.names]
    window = "PARTITION BY _id ORDER BY _position"
    # Helper columns would clash with fields of their names: windows stand in QUALIFY, or make reserved names.
    events = f"SELECT * FROM {_log_with_images(snapshot)} QUALIFY row_number() OVER (PARTITION BY _id, _position) = 1"
    telling = f"SELECT * FROM ({events}) QUALIFY _op <> 'd' OR coalesce(lag(_op) OVER ({window}), 'd') <> 'd'"
    held = f"SELECT *, max(_source_ts) OVER ({window}) AS _valid_from FROM ({telling})"
    chained = (
        f"SELECT *, lead(_valid_from) OVER ({window}) AS _valid_to, "
        f"lead(_position) OVER ({window}) IS NULL AS _is_current FROM ({held})"
    )
    return f"SELECT {_list(columns)} FROM ({chained}) WHERE _op <> 'd'"


def _log_with_images(snapshot: Snapshot) -> str:
    """The log without updates whose document was gone when it was looked up: a delete follows them."""
    return f"(SELECT * FROM {_log(snapshot)} WHERE _rescued IS DISTINCT FROM {literal(NO_IMAGE)})"


def _log(snapshot: Snapshot) -> str:
    return delta_scan(snapshot.log.table.table_uri, snapshot.log.version)


def _scan(folded: Folded) -> str:
    return delta_scan(folded.uri, folded.version)


def _system_columns_last(source: str, names: Sequence[str]) -> str:
    """All columns; fields that were added later stand behind oplake's own in the table itself."""
    return f"SELECT * EXCLUDE ({_list(names)}), {_list(names)} FROM {source}"


def _select(columns: Sequence[str], source: str) -> str:
    return f"SELECT {_list(columns)} FROM {source}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(identifier, names))
