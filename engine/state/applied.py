"""Last applied: what was asked of each resource, and how the world stood right after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Row, delete, insert, select

from engine.state.canonical import Json, canonical_json
from engine.state.clock import now_text
from engine.state.database import Database
from engine.state.schema import resources

Origin: TypeAlias = Literal["created", "adopted"]
"""Whether oplake made the thing itself, or found it and took it on."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One resource as the last apply left it. ``attributes`` is the desire, ``observed`` the world."""

    address: str
    kind: str
    pipeline: str
    origin: Origin
    identity: str
    attributes: Mapping[str, Json]
    observed: Mapping[str, Json] = field(default_factory=dict)
    applied_at: str = field(default_factory=now_text)


class AppliedResources:
    """The last-applied resources of one target."""

    def __init__(self, database: Database, target: str) -> None:
        self._database = database
        self._target = target

    def all(self) -> dict[str, Applied]:
        """Every resource by its address, in address order."""
        query = select(resources).where(resources.c.target == self._target).order_by(resources.c.address)
        with self._database.reading() as connection:
            return {row.address: _read(row) for row in connection.execute(query)}

    def put(self, applied: Applied) -> None:
        """Remember a resource, in place of what was known of it."""
        with self._database.writing() as connection:
            put_applied(connection, self._target, applied)

    def forget(self, address: str) -> None:
        """Drop what is known of a resource; unknown addresses are fine."""
        with self._database.writing() as connection:
            forget_applied(connection, self._target, address)


def put_applied(connection: Connection, target: str, applied: Applied) -> None:
    """As ``AppliedResources.put``, inside a transaction that does more."""
    forget_applied(connection, target, applied.address)
    connection.execute(
        insert(resources).values(
            target=target,
            address=applied.address,
            kind=applied.kind,
            pipeline=applied.pipeline,
            origin=applied.origin,
            identity=applied.identity,
            attributes=canonical_json(dict(applied.attributes)),
            observed=canonical_json(dict(applied.observed)),
            applied_at=applied.applied_at,
        )
    )


def forget_applied(connection: Connection, target: str, address: str) -> None:
    """As ``AppliedResources.forget``, inside a transaction that does more."""
    connection.execute(delete(resources).where(resources.c.target == target, resources.c.address == address))


def _read(row: Row[Any]) -> Applied:
    return Applied(
        address=row.address,
        kind=row.kind,
        pipeline=row.pipeline,
        origin=row.origin,
        identity=row.identity,
        attributes=json.loads(row.attributes),
        observed=json.loads(row.observed),
        applied_at=row.applied_at,
    )
