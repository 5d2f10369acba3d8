"""The time as the state database writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def now_text() -> str:
    """The time now in UTC, ISO 8601 to the second: sorts as it happened and reads as it stands."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix_seconds(text: str) -> float:
    """The Unix time of what ``now_text`` gave."""
    return datetime.fromisoformat(text).timestamp()
