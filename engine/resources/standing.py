"""How one resource stands, for a status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.state.canonical import Json


@dataclass(frozen=True, slots=True)
class Standing:
    """One topic or connector."""

    pipeline: str
    kind: str
    title: str
    state: str
    """In a word or two: ``ok``, ``drift``, ``RUNNING``, ``FAILED``."""
    detail: str = ""
    problem: str = ""
    """What is wrong with it, in one line; empty when nothing is."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """For tools."""

    def to_json(self) -> dict[str, Json]:
        """For tools."""
        shown: dict[str, Json] = {
            "pipeline": self.pipeline,
            "kind": self.kind,
            "name": self.title,
            "state": self.state,
            "detail": self.detail,
            "problem": self.problem,
        }
        return shown | dict(self.facts)
