"""What a plan is bound to, and the words for what changed when it no longer holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.planner.explain import value_text
from engine.planner.plan import Binding
from engine.planner.scope import Scope
from engine.resources.attributes import flatten, part
from engine.resources.columns import column_at
from engine.resources.resource import Observed
from engine.resources.table_fields import FIELDS
from engine.spec.types import format_type
from engine.state.applied import Applied
from engine.state.canonical import Json, digest, digest_bytes

TEMPLATES = "templates"
MAX_DIFFERENCES = 20
"""Lines on what changed in an error message."""


def spec_attributes(scope: Scope) -> dict[str, dict[str, Json]]:
    """The canonical attributes of the target and its pipelines; secrets only as digests."""
    target = scope.target
    dumped: dict[str, Json] = target.model_dump(mode="json", by_alias=True)
    secrets: dict[str, Json] = {"mongodb.uri": target.mongodb.uri.digest(), "state": target.state.digest()}
    specs = {f"target {scope.name}": dict(flatten(dumped)) | secrets}
    for pipeline in scope.pipelines:
        body: dict[str, Json] = pipeline.model_dump(mode="json", by_alias=True, exclude_none=True)
        specs[f"pipeline {pipeline.pipeline}"] = dict(flatten(body))
    return specs


def template_digests(root: Path) -> dict[str, str]:
    """The project's templates, file by file."""
    files = sorted(path for path in (root / TEMPLATES).glob("**/*") if path.is_file())
    return {path.relative_to(root).as_posix(): digest_bytes(path.read_bytes()) for path in files}


def deciding(observed: Observed, desired: Mapping[str, Json]) -> dict[str, Json]:
    """What of a resource's observation decides: not its rows, not columns that nobody pinned."""
    decides: dict[str, Json] = {
        "exists": observed.exists,
        "identity": observed.identity,
        "half deleted": observed.remnant,
        "made by oplake": observed.is_ours,
    }
    for path in part(desired, FIELDS):
        column = column_at(observed.columns, path)
        decides[f"column {path}"] = None if column is None else format_type(column)
    return decides | dict(observed.attributes)


def applied_digests(applied: Mapping[str, Applied]) -> dict[str, str]:
    """What the state says was applied, one digest a resource."""
    return {
        address: digest(
            {
                "attributes": dict(one.attributes),
                "observed": dict(one.observed),
                "identity": one.identity,
                "origin": one.origin,
            }
        )
        for address, one in applied.items()
    }


def differences(planned: Binding, now: Binding) -> tuple[str, ...]:
    """One line for each thing that is no longer as it was when the plan was made; empty when nothing is."""
    lines = [
        *_nested("", planned.specs, now.specs),
        *_flat("", planned.templates, now.templates),
        *_nested("", planned.observations, now.observations),
        *(f"{address} was applied since" for address in _changed(planned.applied, now.applied)),
    ]
    if len(lines) > MAX_DIFFERENCES:
        return (*lines[:MAX_DIFFERENCES], f"and {len(lines) - MAX_DIFFERENCES} more")
    return tuple(lines)


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]


def _flat(prefix: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in _changed(before, after):
        how = "is new" if name not in before else "is gone" if name not in after else "has changed"
        yield f"{prefix}{name} {how}"


def _nested(
    prefix: str, before: Mapping[str, Mapping[str, Json]], after: Mapping[str, Mapping[str, Json]]
) -> Iterator[str]:
    for name in _changed(before, after):
        if name not in before or name not in after:
            yield f"{prefix}{name} is {'new' if name not in before else 'gone'}"
            continue
        old, new = before[name], after[name]
        for path in _changed(old, new):
            yield f"{prefix}{name}: {path} was {value_text(old.get(path))}, is {value_text(new.get(path))}"
