"""Rows of a change log for tests, and the tables they ought to fold into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from engine.decode.system_columns import NO_IMAGE, log_schema
from engine.spec.types import Scalar, Struct

EPOCH = datetime(2024, 5, 1, tzinfo=UTC)
COLUMNS = Struct({"n": Scalar.INT32, "place": Struct({"city": Scalar.STRING})})


@dataclass(frozen=True)
class Change:
    """One change of document ``key`` at ``position``; ``clock`` is seconds after ``EPOCH``."""

    key: str
    position: int
    operation: str = "u"
    clock: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    image: bool = True

    @property
    def order(self) -> str:
        return f"{self.position:032x}"

    @property
    def at(self) -> datetime:
        return EPOCH + timedelta(seconds=self.position if self.clock is None else self.clock)


def rows(changes: Iterable[Change], columns: Struct = COLUMNS) -> pa.Table:
    """Changes as a log's rows."""
    return pa.Table.from_pylist([_row(change) for change in changes], schema=log_schema(columns))


def _row(change: Change) -> dict[str, Any]:
    return {
        **(change.values if change.operation != "d" and change.image else {}),
        "_id": change.key,
        "_op": change.operation,
        "_source_ts": change.at,
        "_position": change.order,
        "_ingested_at": EPOCH,
        "_ingestion_date": date(2024, 5, 1),
        "_rescued": None if change.image else NO_IMAGE,
    }


def stored(uri: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    return pa.table(DeltaTable(uri).scan()).to_pylist()


def chain_of(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Each document's changes in order, each position once, those without an image left out."""
    chains: dict[str, dict[int, Change]] = {}
    for change in changes:
        if change.image:
            chains.setdefault(change.key, {})[change.position] = change
    return {key: [chain[at] for at in sorted(chain)] for key, chain in chains.items()}


def expected_current(changes: Iterable[Change]) -> dict[str, Change]:
    """Document -> its last change; no entry when that is a delete."""
    last = {key: chain[-1] for key, chain in chain_of(changes).items()}
    return {key: change for key, change in last.items() if change.operation != "d"}


def expected_history(changes: Iterable[Change]) -> dict[tuple[str, int], tuple[datetime, datetime | None]]:
    """(document, position) -> when that version began and ceased to hold."""
    found: dict[tuple[str, int], tuple[datetime, datetime | None]] = {}
    for key, chain in chain_of(changes).items():
        open_at: int | None = None
        now = datetime.min.replace(tzinfo=UTC)
        for change in chain:
            if change.operation == "d" and open_at is None:
                continue
            now = max(now, change.at)
            if open_at is not None:
                found[key, open_at] = (found[key, open_at][0], now)
            open_at = None if change.operation == "d" else change.position
            if open_at is not None:
                found[key, open_at] = (now, None)
    return found
