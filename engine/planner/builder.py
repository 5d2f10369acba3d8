"""Builds a plan: what git asks for, what was applied, and what the world shows, compared resource by resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from engine.planner.binding import applied_digests, deciding, spec_attributes, template_digests
from engine.planner.cascade import cascade
from engine.planner.expectations import Expectations, expect
from engine.planner.plan import Binding, Notice, Plan
from engine.planner.scope import Scope
from engine.planner.steps import ordered
from engine.planner.unfinished import sentence, settle
from engine.resources.change import Action, Change
from engine.resources.collection import SourceView
from engine.resources.columns import struct_from_json
from engine.resources.resource import Desired, Kind, Observed
from engine.resources.table_columns import folded_columns, log_columns
from engine.resources.table_consequence import Facts, consequences
from engine.spec.types import Struct
from engine.state.applied import Applied
from engine.state.canonical import Json
from engine.state.journal import Journal

OBSERVERS = 8
"""Resources looked at at the same time."""


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
    """
    wanted = expect(scope, world.source, world.applied)
    ours = {name: one for name, one in world.applied.items() if one.pipeline not in scope.elsewhere}
    observed = _observe(world.kinds, wanted.desired, ours)
    changes, notices = _compare(world, wanted, ours, observed)
    changes = ordered(_explained(changes, world.source, observed))
    if with_samples:
        changes = tuple(_with_columns(changes, wanted, world.source, observed))
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
    def look(address: str) -> Observed:
        want, last = desired.get(address), applied.get(address)
        kind = want.kind if want is not None else applied[address].kind
        return kinds[kind].observe(want, last)

    addresses = sorted({*desired, *applied})
    with ThreadPoolExecutor(OBSERVERS) as pool:
        return dict(zip(addresses, pool.map(look, addresses), strict=True))


def _compare(
    world: World, wanted: Expectations, applied: Mapping[str, Applied], observed: Mapping[str, Observed]
) -> tuple[Sequence[Change], list[Notice]]:
    changes: list[Change] = []
    notices: list[Notice] = []
    for address, stands in observed.items():
        want, last = wanted.desired.get(address), applied.get(address)
        if want is not None and last is None and stands.exists and not stands.is_ours:
            notices.append(_foreign(want))
            continue
        kind = want.kind if want is not None else applied[address].kind
        changes.append(world.kinds[kind].compare(want, last, stands))
    return cascade(settle(changes, world.journal), observed), notices


def _foreign(desired: Desired) -> Notice:
    return Notice(
        "error",
        "foreign-table",
        f"a Delta table that oplake did not make is where {desired.title} should be",
        str(desired.attributes.get("uri", "")),
        "move that table away, or set `table.name` in the pipeline",
    )


def _explained(changes: Sequence[Change], source: SourceView, observed: Mapping[str, Observed]) -> Iterator[Change]:
    """Add what it means for the data: numbers that explain and decide nothing."""
    made_anew = {change.address for change in changes if change.action in {Action.CREATE, Action.REPLACE}}
    for change in changes:
        logs = [address for address in change.depends_on if address not in made_anew]
        facts = Facts(
            table=observed[change.address].facts,
            log_rows=sum(observed[address].fact("rows") for address in logs),
            documents=_documents(change, source) if change.address in made_anew else None,
        )
        yield replace(change, consequence=consequences(change, facts))


def _documents(change: Change, source: SourceView) -> int | None:
    return None if change.depends_on else source.documents(str(change.desired["namespace"]))


def _with_columns(
    changes: Iterable[Change], wanted: Expectations, source: SourceView, observed: Mapping[str, Observed]
) -> Iterator[Change]:
    """Add the columns that new tables start with; a log comes before what is folded from it."""
    columns: dict[str, Struct | None] = {name: stands.columns for name, stands in observed.items()}
    for change in changes:
        if change.action not in {Action.CREATE, Action.REPLACE}:
            yield change
            continue
        pipeline = wanted.pipelines[change.address]
        if change.depends_on:
            yield replace(change, inferred=folded_columns(columns[change.depends_on[0]], pipeline))
            continue
        sample = source.sample(str(change.desired["namespace"]), pipeline)
        inferred = log_columns(sample, pipeline)
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
