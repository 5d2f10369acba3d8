"""Reads a source to its end, the way the worker does, for tests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bson
from pymongo.database import Database

from engine.source.batch import Batch
from engine.source.change_stream import ChangeStreamSource, Snapshot

DEADLINE_S = 60.0


@dataclass
class Reading:
    """Everything read so far, and the position after it, as a log would hold it."""

    batches: list[Batch] = field(default_factory=list)
    position: dict[str, int] = field(default_factory=dict)

    def add(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.position.update(batch.position)

    @property
    def whole(self) -> Batch:
        return Batch.concat(self.batches)

    @property
    def ids(self) -> list[Any]:
        return [bson.decode(key)["_id"] for key in self.whole.keys]

    @property
    def last_snapshot_key(self) -> bytes | None:
        keys = [key for key, operation in zip(self.whole.keys, self.whole.operations, strict=True) if operation == "r"]
        return keys[-1] if keys else None


def source_of(
    database: Database[Any], reading: Reading | None = None, snapshot: Snapshot = "initial"
) -> ChangeStreamSource:
    reading = reading or Reading()
    return ChangeStreamSource(
        database.client,
        f"{database.name}.c",
        reading.position,
        last_snapshot_key=reading.last_snapshot_key,
        snapshot=snapshot,
    )


def read_until_caught_up(
    database: Database[Any], reading: Reading | None = None, max_rows: int = 10_000, snapshot: Snapshot = "initial"
) -> Reading:
    reading = reading or Reading()
    source = source_of(database, reading, snapshot)
    deadline = time.monotonic() + DEADLINE_S
    while not source.caught_up:
        assert time.monotonic() < deadline, "the source does not catch up"
        reading.add(source.poll(0.2, max_rows))
    source.close()
    return reading


def final_state(batch: Batch) -> dict[bytes, bytes]:
    """Key -> document, by applying all changes in order."""
    state: dict[bytes, bytes] = {}
    rows = sorted(zip(batch.orders, batch.operations, batch.keys, batch.documents, strict=True))
    for _, operation, key, document in rows:
        if operation == "d":
            state.pop(key, None)
        elif document is not None:
            state[key] = document
    return state


def collection_state(database: Database[Any]) -> Mapping[bytes, bytes]:
    return {bson.encode({"_id": document["_id"]}): bson.encode(document) for document in database["c"].find()}
