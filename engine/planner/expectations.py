"""What git asks of one target, once the source has said which collections there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from engine.planner.plan import Notice
from engine.planner.scope import Scope
from engine.resources.collection import Matched, SourceView, is_glob, match
from engine.resources.resource import Desired
from engine.resources.table_columns import unsettled_partitions
from engine.resources.table_desired import tables_of
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
    source: Mapping[str, Json] = field(default_factory=dict)
    """What of the source decides: the collections of each pipeline, and whether they can be followed."""
    notices: tuple[Notice, ...] = ()


def expect(scope: Scope, source: SourceView, applied: Mapping[str, Applied]) -> Expectations:
    """Ask the source what the pipelines' patterns mean now.

    Raises:
        SourceError: the source cannot be reached.
    """
    patterns = sorted({name for pipeline in scope.pipelines for name in pipeline.source.collections})
    existing = frozenset(source.existing(patterns)) if patterns else frozenset()
    problem = source.stream_problem() if patterns else None
    matched = {p.pipeline: match(p, existing, _applied_namespaces(p, applied)) for p in scope.pipelines}
    desired, owners, clashes = _tables(scope, matched)
    notices = [*_stream_notices(problem, scope), *clashes, *_elsewhere(scope, applied)]
    for pipeline in scope.pipelines:
        notices += [*_unsettled(pipeline), *_about(pipeline, matched[pipeline.pipeline])]
    seen: dict[str, Json] = {name: list(found.namespaces) for name, found in matched.items()}
    return Expectations(
        desired=desired,
        pipelines=owners,
        missing=frozenset(name for found in matched.values() for name in found.missing),
        source=seen | {"change streams": problem is None},
        notices=tuple(notices),
    )


def _applied_namespaces(pipeline: Pipeline, applied: Mapping[str, Applied]) -> set[str]:
    mine = (one for one in applied.values() if one.pipeline == pipeline.pipeline)
    return {str(one.attributes["namespace"]) for one in mine if "namespace" in one.attributes}


def _tables(
    scope: Scope, matched: Mapping[str, Matched]
) -> tuple[dict[str, Desired], dict[str, Pipeline], list[Notice]]:
    desired: dict[str, Desired] = {}
    owners: dict[str, Pipeline] = {}
    clashes: list[Notice] = []
    for pipeline in scope.pipelines:
        for namespace in matched[pipeline.pipeline].namespaces:
            tables = tables_of(pipeline, namespace, scope.target, scope.root)
            if tables[0].address in desired:
                clashes.append(_clash(desired[tables[0].address], tables[0], namespace))
                continue
            desired |= {table.address: table for table in tables}
            owners |= {table.address: pipeline for table in tables}
    return desired, owners, clashes


def _clash(first: Desired, second: Desired, namespace: str) -> Notice:
    return Notice(
        "error",
        "table-clash",
        f"{namespace} and {first.attributes['namespace']} would be the same table",
        f"pipeline {second.pipeline}, table {first.title}",
        "set `table.name`, for example `{pipeline}_{database}_{collection}`",
    )


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


def _unsettled(pipeline: Pipeline) -> Iterator[Notice]:
    for name in unsettled_partitions(pipeline):
        yield Notice(
            "error",
            "partition-type",
            f"the table cannot be partitioned by {name}: its type is not settled, or is none that partitions",
            f"pipeline {pipeline.pipeline}: table.partition_by",
            f"pin it under `table.fields`, for example `{name}: {{type: string}}`",
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
