"""Builds a plan: what git asks for, what was applied, and what the world shows, compared resource by resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.planner.binding import applied_digests, deciding, spec_attributes, template_digests
from engine.planner.cascade import cascade
from engine.planner.expectations import Expectations, expect
from engine.planner.plan import Binding, Plan
from engine.planner.scope import Scope
from engine.planner.steps import ordered
from engine.planner.unfinished import sentence, settle
from engine.resources.change import Action, Change
from engine.resources.collection import SourceView
from engine.resources.columns import struct_from_json
from engine.resources.notice import Notice
from engine.resources.resource import Around, Desired, Kind, Observed, Sides
from engine.spec.types import Struct
from engine.state.applied import Applied
from engine.state.canonical import Json
from engine.state.journal import Journal

_NEW = frozenset({Action.CREATE, Action.REPLACE})


@dataclass(frozen=True, slots=True)
class World:
    """Where a plan looks."""

    source: SourceView
    kinds: Mapping[str, Kind]
    applied: Mapping[str, Applied]
    journal: Journal | None = None
    """The apply that stopped half-way, if there is one."""


def build_plan(scope: Scope, world: World, *, with_samples: bool = True) -> Plan:
    """Compare everything and change nothing.

    Args:
        with_samples: look at documents to propose columns for new tables; a plan made only to be compared
            with another needs none.

    Raises:
        SourceError: the source cannot be reached.
        LakeError: a table is there and cannot be read.
        TransportError: Kafka or Kafka Connect cannot be reached.
    """
    wanted = expect(scope, world.source, world.applied, world.kinds)
    ours = {
        name: one
        for name, one in world.applied.items()
        if one.pipeline not in scope.elsewhere and one.kind in world.kinds
    }
    observed = _observe(world.kinds, wanted.desired, ours)
    changes, notices = _compare(world, wanted, ours, observed)
    changes = ordered(_explained(changes, world, observed))
    notices += _warnings(world.kinds, wanted, changes)
    if with_samples:
        changes = tuple(_with_columns(changes, wanted, world, observed))
    return Plan(
        target=scope.name,
        lake=scope.lake,
        changes=changes,
        binding=Binding(
            specs=spec_attributes(scope),
            templates=template_digests(scope.root),
            observations=_observations(wanted, observed, ours),
            applied=applied_digests(ours),
        ),
        notices=(*wanted.notices, *notices),
        unfinished=sentence(world.journal),
    )


def _observe(
    kinds: Mapping[str, Kind], desired: Mapping[str, Desired], applied: Mapping[str, Applied]
) -> dict[str, Observed]:
    by_kind: dict[str, dict[str, Sides]] = {}
    for address in sorted({*desired, *applied}):
        sides = Sides(desired.get(address), applied.get(address))
        by_kind.setdefault(_kind_of(sides), {})[address] = sides
    found = {name: kinds[name].observe_all(sides) for name, sides in by_kind.items()}
    return {address: stands for of_kind in found.values() for address, stands in of_kind.items()}


def _kind_of(sides: Sides) -> str:
    either = sides.desired or sides.applied
    assert either is not None  # noqa: S101  nobody asks about a resource that is in neither
    return either.kind


def _compare(
    world: World, wanted: Expectations, applied: Mapping[str, Applied], observed: Mapping[str, Observed]
) -> tuple[Sequence[Change], list[Notice]]:
    changes: list[Change] = []
    notices: list[Notice] = []
    for address, stands in observed.items():
        want, last = wanted.desired.get(address), applied.get(address)
        if want is not None and last is None and stands.exists and not stands.is_ours:
            notices.append(world.kinds[want.kind].foreign(want))
            continue
        kind = _kind_of(Sides(want, last))
        changes.append(world.kinds[kind].compare(want, last, stands))
    return cascade(settle(changes, world.journal), observed, world.kinds), notices


def _warnings(kinds: Mapping[str, Kind], wanted: Expectations, changes: Sequence[Change]) -> Iterator[Notice]:
    for name, kind in kinds.items():
        of_kind = [change for change in changes if change.kind == name]
        if of_kind:
            yield from kind.warnings(wanted.asked, of_kind)


def _explained(changes: Sequence[Change], world: World, observed: Mapping[str, Observed]) -> Iterator[Change]:
    """Add what it means for the data: numbers that explain and decide nothing."""
    around = Around(observed, frozenset(change.address for change in changes if change.action in _NEW), world.source)
    for change in changes:
        yield replace(change, consequence=world.kinds[change.kind].consequences(change, around))


def _with_columns(
    changes: Iterable[Change], wanted: Expectations, world: World, observed: Mapping[str, Observed]
) -> Iterator[Change]:
    """Add the columns that new tables start with; what something is made from comes before it."""
    columns: dict[str, Struct | None] = {name: stands.columns for name, stands in observed.items()}
    for change in changes:
        if change.action not in _NEW:
            yield change
            continue
        pipeline = wanted.pipelines[change.address]
        inferred = world.kinds[change.kind].infer(change, pipeline, world.source, columns)
        if "columns" in inferred:
            columns[change.address] = struct_from_json(inferred["columns"])
        yield replace(change, inferred=inferred)


def _observations(
    wanted: Expectations, observed: Mapping[str, Observed], applied: Mapping[str, Applied]
) -> dict[str, dict[str, Json]]:
    def attributes(address: str) -> Mapping[str, Json]:
        want = wanted.desired.get(address)
        return want.attributes if want is not None else applied[address].attributes

    tables = {address: deciding(stands, attributes(address)) for address, stands in observed.items()}
    return tables | {"source": dict(wanted.source)}
