"""What a plan does to one resource, as data: action, paths with before and after, reason, consequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.state.canonical import Json


class Action(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    NO_OP = "no-op"


class Cause(StrEnum):
    """Why two of the three (git, last applied, live) differ."""

    SPEC = "spec"
    """Git asks for something that was not applied yet."""
    DRIFT = "drift"
    """Somebody changed the world outside oplake."""
    UNFINISHED = "unfinished"
    """An apply stopped half-way."""
    ADOPT = "adopt"
    """The thing is there, but the state does not know it."""
    CASCADE = "cascade"
    """What the resource is made from is replaced."""


@dataclass(frozen=True, slots=True)
class PathChange:
    """One attribute of a resource. ``None`` is "not set"; a secret is its digest, never its value."""

    path: str
    before: Json
    """What stands in the world; for an attribute that lives in the spec alone, what was applied last."""
    after: Json
    cause: Cause = Cause.SPEC
    note: str = ""

    def to_json(self) -> dict[str, Json]:
        """As the plan file holds it."""
        return {
            "path": self.path,
            "before": self.before,
            "after": self.after,
            "cause": self.cause.value,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One resource's part of a plan: everything needed to explain it, and to carry it out."""

    address: str
    kind: str
    title: str
    """What people call it, such as ``orders/changes``."""
    pipeline: str
    action: Action
    cause: Cause = Cause.SPEC
    reason: str = ""
    consequence: tuple[str, ...] = ()
    """What it means for the data, one fact a line; may hold counts that vary by nature."""
    paths: tuple[PathChange, ...] = ()
    destroys: bool = False
    """Whether rows that exist now are gone afterwards."""
    alters: bool = False
    """For an update: whether the thing itself changes, not only what the state remembers of it."""
    halts: bool = False
    """Whether the thing has to stand still before what it depends on is deleted."""
    keeps: bool = False
    """For a delete: only the state forgets the resource, the thing itself stays."""
    clears: bool = False
    """For a create: what a half-done delete left behind is removed first."""
    depends_on: tuple[str, ...] = ()
    identity: str = ""
    """Who the live thing is (a Delta table's id); empty when there is none."""
    origin: str = "created"
    erases: str = ""
    """Where the thing is that a replace deletes, when that is not where the new one goes."""
    desired: Mapping[str, Json] = field(default_factory=dict)
    """Attributes as they shall be, and as the state remembers them after the apply."""
    inferred: Mapping[str, Json] = field(default_factory=dict)
    """What a sample told: columns for a new table and the types that conflict. Never part of a later diff."""

    @property
    def drifted(self) -> bool:
        """Whether any of it is somebody's doing outside oplake."""
        return self.cause is Cause.DRIFT or any(path.cause is Cause.DRIFT for path in self.paths)

    @property
    def is_pending(self) -> bool:
        """Whether there is something to do."""
        return self.action is not Action.NO_OP

    def decision(self) -> dict[str, Json]:
        """What is decided, without what varies by nature: equal for two plans that decide alike."""
        return {
            "address": self.address,
            "kind": self.kind,
            "title": self.title,
            "pipeline": self.pipeline,
            "action": self.action.value,
            "cause": self.cause.value,
            "paths": [path.to_json() for path in self.paths],
            "destroys": self.destroys,
            "alters": self.alters,
            "halts": self.halts,
            "keeps": self.keeps,
            "clears": self.clears,
            "depends_on": list(self.depends_on),
            "identity": self.identity,
            "origin": self.origin,
            "erases": self.erases,
            "desired": dict(self.desired),
        }

    def to_json(self) -> dict[str, Json]:
        """As the plan file holds it."""
        shown: dict[str, Json] = {
            "reason": self.reason,
            "consequence": list(self.consequence),
            "inferred": dict(self.inferred),
        }
        return self.decision() | shown
