"""The moment a query looks at: now, a version of the change log, or a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from engine.errors import UsageError


@dataclass(frozen=True, slots=True)
class AsOf:
    """Exactly one of a log version and a time (aware); neither means now."""

    version: int | None = None
    time: datetime | None = None

    @property
    def is_now(self) -> bool:
        """Whether nothing is pinned but what is newest."""
        return self.version is None and self.time is None


NOW = AsOf()


def parse_as_of(text: str) -> AsOf:
    """Read ``--as-of``: digits are a version, anything else an ISO 8601 time, UTC unless it has an offset.

    Raises:
        UsageError: neither.
    """
    if text.isascii() and text.isdigit():
        return AsOf(version=int(text))
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is neither a version nor a time",
            where="--as-of",
            remedy="write a version of the change log (42) or an ISO 8601 time (2026-01-31T10:00:00Z)",
        ) from None
    return AsOf(time=time if time.tzinfo else time.replace(tzinfo=UTC))
