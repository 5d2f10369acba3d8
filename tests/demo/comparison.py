"""Is the lake the collection? Compared with the server directly, byte for byte, past everything that wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bson
from bson import Timestamp
from pymongo.collection import Collection

from engine.decode.masks import apply_masks
from engine.lake.layout import TablePaths
from tests.faults.checker import Rows, check_current, check_history, check_log
from tests.faults.witness import documents, read_all

EMAIL_IS_HASHED: Mapping[tuple[str, ...], str] = {("email",): "sha256"}
"""What the starter spec of users masks."""


def users_problems(project: Path, collection: Collection[Any]) -> list[str]:
    """How the current table of users differs from the collection, its e-mail addresses hashed."""
    expected = {name: _masked(document) for name, document in documents(collection).items()}
    return check_current(Rows.read(_paths(project, "users").current), expected)


def orders_problems(project: Path, collection: Collection[Any], since: Timestamp, last_id: str) -> list[str]:
    """How the log of orders differs from a second reading of the change stream, and the history from both."""
    paths = _paths(project, "orders")
    log, events = Rows.read(paths.changes), read_all(collection, since, last_id)
    return [
        *check_log(log, events),
        *check_history(Rows.read(paths.history), log, documents(collection)),
    ]


def _paths(project: Path, table: str) -> TablePaths:
    return TablePaths(str(project / ".oplake/lake"), table)


def _masked(document: bytes) -> bytes:
    decoded = bson.decode(document)
    apply_masks([decoded], EMAIL_IS_HASHED)
    return bson.encode(decoded)
