"""Seeded documents of a few shapes, plain and with values that conflict with their columns."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import bson
from bson.decimal128 import Decimal128

from engine.datagen.documents import documents
from engine.source.batch import Batch

SEED = 20240501
SMALL = "400 B"
"""Users: text, numbers, dates, a subdocument, an array of words."""
DECIMAL = "400 B with decimals"
"""Orders: a Decimal128, some with a trailing zero that only ``_rescued`` can keep, and an array of documents."""
LARGE = "5 kB"
"""Orders of fifty lines: an array of fifty documents."""
BATCH_ROWS, BATCH_BYTES = 50_000, 64 * 1024 * 1024
"""The defaults of a pipeline's ``batch``."""
_LINES_OF_LARGE = 50


def raw_documents(size: str, count: int, conflicts: float = 0.0, seed: int = SEED) -> list[bytes]:
    """Documents as BSON; ``conflicts`` is the share of scalar values, at any depth, that are of another type.

    All conflicts are of the kind real collections hold: a number as text, text as a number.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    made = documents("users" if size == SMALL else "orders", count, seed, edge_cases=0.0)
    if size == LARGE:
        made = (_grown(document) for document in made)
    if conflicts:
        made = (_bent(document, conflicts, chance) for document in made)
    return [bson.encode(document) for document in made]


def batch_of(raw: Sequence[bytes], operation: Any = "r") -> Batch:  # noqa: ANN401 - one of Operation
    """The documents as one batch of a snapshot."""
    count = len(raw)
    keys = [document[:4] for document in raw]  # a document that brings its own _id never has its key read
    orders = [f"{row:032x}" for row in range(count)]
    return Batch([operation] * count, orders, [0] * count, keys, raw)


def rows_in_a_batch(size: str) -> int:
    """How many documents of this size one batch takes."""
    return BATCH_BYTES // 5_000 if size == LARGE else BATCH_ROWS


def _grown(document: dict[str, Any]) -> dict[str, Any]:
    lines = document["items"]
    document["items"] = [dict(lines[number % len(lines)], line=number) for number in range(_LINES_OF_LARGE)]
    return document


def _bent(document: dict[str, Any], share: float, chance: random.Random) -> dict[str, Any]:
    return {name: value if name == "_id" else _bend(value, share, chance) for name, value in document.items()}


def _bend(value: Any, share: float, chance: random.Random) -> Any:  # noqa: ANN401 - whatever BSON holds
    if isinstance(value, dict):
        return {name: _bend(inner, share, chance) for name, inner in value.items()}
    if isinstance(value, list):
        return [_bend(inner, share, chance) for inner in value]
    if chance.random() >= share:
        return value
    if isinstance(value, bool | int | float | Decimal128 | datetime):
        return str(value)
    return chance.randrange(1000)
