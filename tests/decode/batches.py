"""Batches and decoded rows for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import bson

from engine.decode.decoder import Decoded, Decoder
from engine.decode.exact_bson import write_exactly
from engine.decode.rebuild import rebuild_bytes
from engine.decode.rules import DecodeRules
from engine.source.batch import Batch
from engine.spec.types import Struct

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def batch_of(documents: Sequence[bytes]) -> Batch:
    count = len(documents)
    orders = [f"{row:032x}" for row in range(count)]
    return Batch(["r"] * count, orders, [0] * count, [bson.encode({"_id": None})] * count, documents)


def decode(
    documents: Sequence[dict[str, Any] | bytes],
    columns: Struct | None = None,
    rules: DecodeRules | None = None,
) -> Decoded:
    raw = [document if isinstance(document, bytes) else write_exactly(document) for document in documents]
    return Decoder(rules).decode(batch_of(raw), columns or Struct({}), NOW)


def told(decoded: Decoded) -> str:
    """All that the rows hold; what is kept beside the columns, as the object it is: its order tells nothing."""
    rows = decoded.table.to_pylist()
    for row in rows:
        row["_rescued"] = row["_rescued"] and sorted(json.loads(row["_rescued"]).items())
    return str(rows)


def rebuilt(decoded: Decoded) -> list[bytes]:
    return [rebuild_bytes(row, decoded.columns) for row in decoded.table.to_pylist()]
