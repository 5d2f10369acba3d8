"""A plan is data: what will change, why, what it means, and what it was made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from engine.errors import PlanRefused
from engine.resources.change import Action, Cause, Change, PathChange
from engine.resources.notice import Notice
from engine.state.canonical import Json, canonical_json, digest, parse_object

FORMAT = 1
"""Raised when a plan file of before can no longer be read."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a plan was made from, path by path; secrets are digests. A plan is stale when it differs.

    Numbers that vary by nature (rows, documents, samples) are not in it.
    """

    specs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """``pipeline orders`` or ``target local`` -> its canonical attributes."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Template file -> digest of its bytes."""
    observations: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """Resource address, or ``source`` -> what of the world decided."""
    applied: Mapping[str, str] = field(default_factory=dict)
    """Resource address -> digest of what the state says was applied last."""

    def to_json(self) -> dict[str, Json]:
        """As the plan file holds it."""
        return {
            "specs": {name: dict(paths) for name, paths in self.specs.items()},
            "templates": dict(self.templates),
            "observations": {name: dict(paths) for name, paths in self.observations.items()},
            "applied": dict(self.applied),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of one target, in an order that respects what depends on what."""

    target: str
    lake: str
    changes: tuple[Change, ...]
    binding: Binding
    notices: tuple[Notice, ...] = ()
    unfinished: str = ""
    """One sentence on an apply that stopped half-way; empty when there is none."""

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that do something."""
        return tuple(change for change in self.changes if change.is_pending)

    @property
    def drifted(self) -> tuple[Change, ...]:
        """The changes that somebody caused outside oplake."""
        return tuple(change for change in self.pending if change.drifted)

    @property
    def errors(self) -> tuple[Notice, ...]:
        """What stops an apply."""
        return tuple(notice for notice in self.notices if notice.level == "error")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.pending and not self.unfinished

    def counts(self) -> Mapping[Action, int]:
        """How many changes of each action there are."""
        return Counter(change.action for change in self.changes)

    @property
    def digest(self) -> str:
        """Of what the plan was made from and what it decides; equal for plans that decide alike."""
        decided: dict[str, Json] = {
            "target": self.target,
            "lake": self.lake,
            "changes": [change.decision() for change in self.changes],
            "bound_to": self.binding.to_json(),
        }
        return digest(decided)

    def to_json(self) -> dict[str, Json]:
        """The plan file, with a checksum over everything else in it."""
        body: dict[str, Json] = {
            "format": FORMAT,
            "target": self.target,
            "lake": self.lake,
            "digest": self.digest,
            "summary": {action.value: self.counts()[action] for action in Action},
            "changes": [change.to_json() for change in self.changes],
            "notices": [notice.to_json() for notice in self.notices],
            "unfinished": self.unfinished,
            "bound_to": self.binding.to_json(),
        }
        return body | {"checksum": digest(body)}

    def to_text(self) -> str:
        """The plan file as canonical JSON."""
        return canonical_json(self.to_json())


def read_plan(text: str, where: str = "") -> Plan:
    """Read a plan file back.

    Raises:
        PlanRefused: it is no plan, was edited, or another version of oplake wrote it.
    """
    try:
        body = cast("dict[str, Any]", parse_object(text))
        if body.get("format") != FORMAT:
            raise _unreadable("another version of oplake made this plan", where)
        if body.pop("checksum", None) != digest(body):
            raise _unreadable("the plan file was edited after it was made", where)
        return _plan(body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable("this is no plan file", where) from error


def _unreadable(what: str, where: str) -> PlanRefused:
    return PlanRefused(what, where=where, remedy="make a new one: oplake plan --out FILE")


def _plan(body: dict[str, Any]) -> Plan:
    bound = body["bound_to"]
    return Plan(
        target=body["target"],
        lake=body["lake"],
        changes=tuple(_change(item) for item in body["changes"]),
        binding=Binding(
            specs=bound["specs"],
            templates=bound["templates"],
            observations=bound["observations"],
            applied=bound["applied"],
        ),
        notices=tuple(Notice(**item) for item in body["notices"]),
        unfinished=body["unfinished"],
    )


def _change(item: dict[str, Any]) -> Change:
    paths = tuple(PathChange(**(path | {"cause": Cause(path["cause"])})) for path in item["paths"])
    return Change(
        **(
            item
            | {
                "action": Action(item["action"]),
                "cause": Cause(item["cause"]),
                "paths": paths,
                "depends_on": tuple(item["depends_on"]),
                "consequence": tuple(item["consequence"]),
            }
        )
    )
