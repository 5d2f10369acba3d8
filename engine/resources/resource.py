"""What every kind of resource has in common, so that the planner needs to know none of them.

A kind says what its resources should be (``desired``), looks at the world (``observe``), judges the three-way
difference without touching anything (``compare``), and carries out one step of a change (``act``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from engine.resources.change import Change
from engine.spec.types import Struct
from engine.state.applied import Applied
from engine.state.canonical import Json


class Verb(StrEnum):
    """The steps a change is made of; each can be carried out twice without harm."""

    ERASE = "erase"
    CREATE = "create"
    ALTER = "alter"
    RECORD = "record"
    """The world is as it should be: only the state has to learn it."""
    FORGET = "forget"
    """The thing is gone, or is somebody else's: the state drops it."""


@dataclass(frozen=True, slots=True)
class Desired:
    """One resource as git wants it: flat attributes, dotted path -> JSON value."""

    address: str
    kind: str
    title: str
    pipeline: str
    attributes: Mapping[str, Json]
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """One resource as it stands in the world.

    ``attributes`` decide; ``facts`` (rows, bytes, files) vary by nature and only explain.
    """

    exists: bool
    identity: str = ""
    attributes: Mapping[str, Json] = field(default_factory=dict)
    facts: Mapping[str, int] = field(default_factory=dict)
    columns: Struct | None = None
    is_ours: bool = True
    """Whether the thing has the marks of one that oplake makes."""
    remnant: bool = False
    """Whether a delete of ours stopped half-way here."""

    def fact(self, name: str) -> int:
        """A number that varies by nature; 0 when it is not known."""
        return self.facts.get(name, 0)


ABSENT = Observed(exists=False)
REMNANT = Observed(exists=False, remnant=True)


class Kind(Protocol):
    """One kind of resource. ``desired`` differs by what a kind is made from, so it is not in the protocol."""

    name: str

    def observe(self, desired: Desired | None, applied: Applied | None) -> Observed:
        """Look at the resource, where it was applied or where git wants it. Changes nothing."""

    def compare(self, desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
        """Judge the three-way difference. Pure: no I/O."""

    def act(self, verb: Verb, change: Change, *, resumed: bool) -> Observed:
        """Carry out one step and say how the resource stands then.

        ``resumed``: the step was begun before by a process that did not finish it.
        """
