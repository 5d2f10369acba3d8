"""What git asks of one target, once the source has said which collections there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.planner.scope import Scope
from engine.resources.asked import Asked
from engine.resources.collection import Matched, SourceView, is_glob, match
from engine.resources.notice import Notice
from engine.resources.resource import Desired, Kind
from engine.spec.pipeline import Pipeline
from engine.state.applied import Applied
from engine.state.canonical import Json


@dataclass(frozen=True, slots=True)
class Expectations:
    """The resources that should be, and what was noticed on the way."""

    desired: Mapping[str, Desired]
    pipelines: Mapping[str, Pipeline]
    """Resource address -> its pipeline."""
    missing: frozenset[str]
    """Collections that have tables and that the source does not have."""
    asked: tuple[Asked, ...] = ()
    """The pipelines with their collections."""
    source: Mapping[str, Json] = field(default_factory=dict)
    """What of the source decides: the collections of each pipeline, and whether they can be followed."""
    notices: tuple[Notice, ...] = ()


def expect(scope: Scope, source: SourceView, applied: Mapping[str, Applied], kinds: Mapping[str, Kind]) -> Expectations:
    """Ask the source what the pipelines' patterns mean now.

    Raises:
        SourceError: the source cannot be reached.
    """
    patterns = sorted({name for pipeline in scope.pipelines for name in pipeline.source.collections})
    existing = frozenset(source.existing(patterns)) if patterns else frozenset()
    problem = source.stream_problem() if patterns else None
    matched = {p.pipeline: match(p, existing, _applied_namespaces(p, applied)) for p in scope.pipelines}
    asked = tuple(_asked(scope, pipeline, matched[pipeline.pipeline]) for pipeline in scope.pipelines)
    desired, owners, clashes = _resources(asked, kinds)
    notices = [*_stream_notices(problem, scope), *clashes, *_elsewhere(scope, applied), *_left(scope, applied, kinds)]
    for one in asked:
        notices += [notice for kind in kinds.values() for notice in kind.problems(one)]
        notices += _about(one.pipeline, matched[one.pipeline.pipeline])
    seen: dict[str, Json] = {name: list(found.namespaces) for name, found in matched.items()}
    return Expectations(
        desired=desired,
        pipelines=owners,
        missing=frozenset(name for found in matched.values() for name in found.missing),
        asked=asked,
        source=seen | {"change streams": problem is None},
        notices=tuple(notices),
    )


def _applied_namespaces(pipeline: Pipeline, applied: Mapping[str, Applied]) -> set[str]:
    mine = (one for one in applied.values() if one.pipeline == pipeline.pipeline)
    return {str(one.attributes["namespace"]) for one in mine if "namespace" in one.attributes}


def _asked(scope: Scope, pipeline: Pipeline, matched: Matched) -> Asked:
    return Asked(scope.target, pipeline, matched.namespaces, scope.root, scope.files_of(pipeline))


def _resources(
    asked: Sequence[Asked], kinds: Mapping[str, Kind]
) -> tuple[dict[str, Desired], dict[str, Pipeline], list[Notice]]:
    desired: dict[str, Desired] = {}
    owners: dict[str, Pipeline] = {}
    clashes: list[Notice] = []
    for one in asked:
        mine: list[Desired] = []
        for kind in kinds.values():
            mine += kind.desired(one, mine)
        for wanted in mine:
            first = desired.setdefault(wanted.address, wanted)
            if first is wanted:
                owners[wanted.address] = one.pipeline
                continue
            clash = kinds[wanted.kind].clash(first, wanted)
            clashes += [] if clash is None else [clash]
    return desired, owners, clashes


def _stream_notices(problem: tuple[str, str] | None, scope: Scope) -> Iterator[Notice]:
    if problem is not None:
        yield Notice("error", "no-change-stream", problem[0], f"target {scope.name}: mongodb", problem[1])


def _elsewhere(scope: Scope, applied: Mapping[str, Applied]) -> Iterator[Notice]:
    for name in sorted({one.pipeline for one in applied.values()} & scope.elsewhere):
        yield Notice(
            "warning",
            "pipeline-elsewhere",
            f"{name} runs on another target now; its tables here are left as they are",
            f"target {scope.name}",
            f"`oplake destroy --target {scope.name} {name}` deletes them",
        )


def _left(scope: Scope, applied: Mapping[str, Applied], kinds: Mapping[str, Kind]) -> Iterator[Notice]:
    titles = [address.partition(".")[2] for address, one in applied.items() if one.kind not in kinds]
    if titles:
        yield Notice(
            "warning",
            "transport-left",
            f"the target's transport is another now; what the former one had is left as it is: {', '.join(titles)}",
            f"target {scope.name}: transport",
            "go back to the former transport and run `oplake destroy`, or delete it by hand",
        )


def _about(pipeline: Pipeline, matched: Matched) -> Iterator[Notice]:
    where = f"pipeline {pipeline.pipeline}: source.collections"
    for pattern in matched.unmatched:
        remedy = "create one and plan again, or correct the pattern"
        yield Notice("warning", "no-collection", f"no collection matches {pattern}", where, remedy)
    for name in matched.missing:
        dropped = any(is_glob(pattern) for pattern in pipeline.source.collections)
        what = f"the collection {name} is not there" + ("; its tables are kept" if dropped else " yet")
        remedy = "nothing to do if it is still to come: its first document starts the table"
        yield Notice("warning", "no-collection", what, where, remedy)
