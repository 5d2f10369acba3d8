"""What has to be true of a table whose worker was killed again and again. Returns problems, raises nothing.

The log is compared with an independent reading of the change stream, the folded table with the collection and
with the log (INV-1 to INV-5).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from engine.decode.rebuild import rebuild_bytes
from engine.decode.system_columns import NO_IMAGE, struct_of
from engine.spec.types import Struct
from tests.faults.witness import Seen

SHOWN = 5
TIME_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Rows:
    """A Delta table in memory."""

    rows: list[dict[str, Any]]
    columns: Struct

    @classmethod
    def read(cls, uri: str, options: Mapping[str, str] | None = None) -> Rows:
        table = pa.RecordBatchReader.from_stream(DeltaTable(uri, storage_options=dict(options or {})).scan()).read_all()
        return cls(table.to_pylist(), struct_of(table.schema))

    def identities(self) -> list[str]:
        return sorted(row["_id"] for row in self.rows)

    def document(self, row: Mapping[str, Any]) -> bytes:
        return rebuild_bytes(row, self.columns)


def check_log(log: Rows, seen: Sequence[Seen]) -> list[str]:
    """The log holds each event once, in the order of the stream, with the documents the stream had."""
    rows = sorted(log.rows, key=lambda row: row["_position"])
    snapshot = [row for row in rows if row["_op"] == "r"]
    stream = [row for row in rows if row["_op"] != "r"]
    problems = [
        *_doubles("_position", [row["_position"] for row in rows]),
        *_doubles("_id among snapshot rows", [row["_id"] for row in snapshot]),
    ]
    expected = _after_snapshot(snapshot, seen)
    problems += _differences(
        "events in the log and in the change stream",
        [(row["_position"][:TIME_DIGITS], row["_op"], row["_id"]) for row in stream],
        [(time_text(event), event.op, event.id_text) for event in expected],
    )
    if not problems:
        problems += [
            f"the log has another document than the stream at {row['_position']}"
            for row, event in zip(stream, expected, strict=True)
            if event.document is not None and log.document(row) != event.document
        ]
    return problems


def _after_snapshot(snapshot: Sequence[Mapping[str, Any]], seen: Sequence[Seen]) -> list[Seen]:
    """The events that the snapshot does not stand for: those after its time."""
    if not snapshot:
        return list(seen)
    begun = snapshot[0]["_position"][:TIME_DIGITS]
    return [event for event in seen if time_text(event) > begun]


def time_text(event: Seen) -> str:
    """The cluster time as it stands at the head of a ``_position`` (docs/protocol.md)."""
    return f"{event.time.time:08x}{event.time.inc:08x}"


def check_current(current: Rows, documents: Mapping[str, bytes]) -> list[str]:
    """The current table is the collection, byte for byte."""
    problems = _doubles("_id in the current table", [row["_id"] for row in current.rows])
    found = {row["_id"]: row for row in current.rows}
    problems += _differences("documents in the table and in the collection", sorted(found), sorted(documents))
    problems += [
        f"document {name!r} differs: {current.document(found[name])!r} is {document!r} in the collection"
        for name, document in documents.items()
        if name in found and current.document(found[name]) != document
    ]
    return problems


def check_history(history: Rows, log: Rows, documents: Mapping[str, bytes]) -> list[str]:
    """The history holds each version that the log knows, from its change to the next; its current rows are the
    collection."""
    expected = list(expected_versions(log))
    found = [
        (row["_id"], row["_position"], row["_valid_from"], row["_valid_to"], row["_is_current"]) for row in history.rows
    ]
    problems = _doubles("version in the history", [version[:2] for version in found])
    problems += _differences(
        "versions in the history and in the log", sorted(found, key=str), sorted(expected, key=str)
    )
    current = [row for row in history.rows if row["_is_current"]]
    return problems + check_current(Rows(current, history.columns), documents)


def expected_versions(log: Rows) -> Iterator[tuple[Any, ...]]:
    """What the history should hold, from the log alone, row by row."""
    changes = defaultdict(list)
    for row in sorted(log.rows, key=lambda row: row["_position"]):
        if row["_rescued"] != NO_IMAGE:
            changes[row["_id"]].append(row)
    for rows in changes.values():
        for row, later in zip(rows, [*rows[1:], None], strict=True):
            if row["_op"] != "d":
                until = later["_source_ts"] if later else None
                yield row["_id"], row["_position"], row["_source_ts"], until, later is None


def _doubles(what: str, values: Sequence[Any]) -> list[str]:
    doubled = [value for value, count in Counter(values).items() if count > 1]
    return [f"doubled {what}: {len(doubled)}, such as {doubled[:SHOWN]}"] if doubled else []


def _differences(what: str, found: Sequence[Any], expected: Sequence[Any]) -> list[str]:
    if list(found) == list(expected):
        return []
    extra, lost = Counter(found) - Counter(expected), Counter(expected) - Counter(found)
    problems = []
    if lost:
        problems.append(f"lost among {what}: {lost.total()}, such as {list(lost)[:SHOWN]}")
    if extra:
        problems.append(f"too many among {what}: {extra.total()}, such as {list(extra)[:SHOWN]}")
    return problems or [f"another order of {what}"]
