"""What every kind of resource has in common, so that the planner needs to know none of them.

A kind says what its resources should be (``desired``), looks at the world (``observe``), judges the three-way
difference without touching anything (``compare``), tells what it means (``consequences``), and carries out one step
of a change (``act``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from engine.resources.asked import Asked
from engine.resources.change import Change
from engine.resources.collection import SourceView
from engine.resources.notice import Notice
from engine.resources.standing import Standing
from engine.spec.pipeline import Pipeline
from engine.spec.types import Struct
from engine.state.applied import Applied
from engine.state.canonical import Json

OBSERVERS = 8
"""Resources looked at at the same time."""


class Verb(StrEnum):
    """The steps a change is made of; each can be carried out twice without harm."""

    HALT = "halt"
    """Stand still: what it depends on is about to be deleted."""
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


@dataclass(frozen=True, slots=True)
class Sides:
    """One resource as git wants it and as it was applied last; at least one of the two is there."""

    desired: Desired | None
    applied: Applied | None


@dataclass(frozen=True, slots=True)
class Around:
    """What a kind may look at to explain one change: numbers that vary by nature and decide nothing."""

    observed: Mapping[str, Observed]
    made_anew: frozenset[str] = frozenset()
    """Addresses of what is created or replaced."""
    source: SourceView | None = None
    """None where nobody asked the source."""


class Kind(Protocol):
    """One kind of resource; what a kind has no need of is left at its default."""

    name: str

    def desired(self, asked: Asked, before: Sequence[Desired]) -> Iterable[Desired]:
        """What a pipeline asks of this kind. ``before``: what it asks of the kinds that come earlier."""

    def observe(self, desired: Desired | None, applied: Applied | None) -> Observed:
        """Look at the resource, where it was applied or where git wants it. Changes nothing."""

    def compare(self, desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
        """Judge the three-way difference. Pure: no I/O."""

    def act(self, verb: Verb, change: Change, *, resumed: bool) -> Observed:
        """Carry out one step and say how the resource stands then.

        ``resumed``: the step was begun before by a process that did not finish it.
        """

    def clash(self, first: Desired, second: Desired) -> Notice | None:  # noqa: ARG002  as above
        """Two resources that would be one, as an error; None when another resource tells it already."""
        return None

    def foreign(self, desired: Desired) -> Notice:
        """The error that somebody else's thing stands where this one should be."""
        what = f"a {self.name} that oplake did not make is where {desired.title} should be"
        return Notice("error", f"foreign-{self.name}", what, desired.title, "remove it, or choose another name")

    def title(self, applied: Applied) -> str:
        """What people call a resource that git no longer asks for."""

    def upstream(self, applied: Applied) -> tuple[str, ...]:
        """What such a resource was made from: it has to go before that."""

    def observe_all(self, sides: Mapping[str, Sides]) -> dict[str, Observed]:
        """Look at many resources, by address."""
        with ThreadPoolExecutor(OBSERVERS) as pool:
            found = pool.map(lambda side: self.observe(side.desired, side.applied), sides.values())
            return dict(zip(sides, found, strict=True))

    def problems(self, asked: Asked) -> Iterator[Notice]:  # noqa: ARG002  the signature of those that have some
        """What can be told from the specs alone."""
        return iter(())

    def warnings(self, asked: Sequence[Asked], changes: Sequence[Change]) -> Iterator[Notice]:  # noqa: ARG002  as above
        """What the running servers tell about this kind's changes."""
        return iter(())

    def follow(self, change: Change, remade: Sequence[Change], observed: Observed) -> Change:  # noqa: ARG002  as above
        """What becomes of a change when some of what it depends on is made anew."""
        return change

    def consequences(self, change: Change, around: Around) -> tuple[str, ...]:  # noqa: ARG002  as above
        """What a change means for the data, one fact a line."""
        return ()

    def infer(
        self,
        change: Change,  # noqa: ARG002  as above
        pipeline: Pipeline,  # noqa: ARG002
        source: SourceView,  # noqa: ARG002
        columns: Mapping[str, Struct | None],  # noqa: ARG002
    ) -> Mapping[str, Json]:
        """What a sample of the source tells about something new. ``columns``: those of all resources so far."""
        return {}

    def standings(self, changes: Sequence[Change]) -> Iterable[Standing]:  # noqa: ARG002  as above
        """How resources of this kind stand, for `oplake status`; tables have a report of their own."""
        return ()
