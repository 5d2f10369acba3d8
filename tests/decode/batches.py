"""Batches and decoded rows for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import bson

from engine.decode.decoded import Decoded
from engine.decode.decoder import Decoder
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
    """All that the rows hold, as text, in which NaN equals NaN."""
    return str(decoded.table.to_pylist())


def rebuilt(decoded: Decoded) -> list[bytes]:
    return [rebuild_bytes(row, decoded.columns) for row in decoded.table.to_pylist()]
