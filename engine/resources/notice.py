"""What a reader of a plan should know beside its changes."""

from __future__ import annotations

from dataclasses import dataclass

from engine.state.canonical import Json


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader should know: ``warning`` does not stop an apply, ``error`` does."""

    level: str
    code: str
    what: str
    where: str = ""
    remedy: str = ""

    def to_json(self) -> dict[str, Json]:
        """As the plan file holds it."""
        return {
            "level": self.level,
            "code": self.code,
            "what": self.what,
            "where": self.where,
            "remedy": self.remedy,
        }
