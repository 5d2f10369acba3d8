"""Messages of Debezium 3.6.1, recorded from real servers: every BSON type and every operation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("debezium_messages.jsonl")


@dataclass(frozen=True, slots=True)
class Recorded:
    topic: str
    offset: int
    key: bytes | None
    value: bytes | None


def recorded(prefix: str = "") -> list[Recorded]:
    """The messages of topics that begin so, in the order they were recorded in."""
    messages = map(json.loads, _FILE.read_text().splitlines())
    return [
        Recorded(m["topic"], m["offset"], _bytes(m["key"]), _bytes(m["value"]))
        for m in messages
        if m["topic"].startswith(prefix)
    ]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
