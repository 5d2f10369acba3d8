"""The three-way difference of one Delta table: git, last applied, live. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from engine.resources.attributes import part, same
from engine.resources.change import Action, Cause, Change, PathChange
from engine.resources.resource import Desired, Observed
from engine.resources.table_fields import FIELDS, field_changes
from engine.resources.three_way import base_of, unwanted
from engine.state.applied import Applied
from engine.state.canonical import Json

PROPERTIES = "properties."
PARTITION = "partition_by"
URI = "uri"
TOPICS = "topics"
"""Addresses of the topics that a change log is made from: its positions are in them."""
FIXED = frozenset({PARTITION, "namespace", "mode", TOPICS})
"""What a table cannot change while it keeps its rows."""


def compare_table(desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
    """Judge one table. At least one of ``desired`` and ``applied`` is there."""
    if desired is None:
        assert applied is not None  # noqa: S101  nobody asks about a table that is in neither
        return _unwanted(applied, observed)
    base = base_of(desired, observed)
    if not observed.exists:
        return _missing(base, applied, observed)
    if applied is None or (_has_moved(desired, applied) and applied.identity != observed.identity):
        return _adopt(base, desired, observed)
    if applied.identity != observed.identity:
        applied = replace(applied, origin="adopted")
    change = _known(base, desired, applied, observed)
    is_elsewhere = where_it_is(desired, applied) != desired.attributes[URI]
    return replace(change, erases=where_it_is(desired, applied) if is_elsewhere else "")


def where_it_is(desired: Desired | None, applied: Applied | None) -> str:
    """The URI to look at: a table whose mode changed is still under its old name beside the new one."""
    if applied is not None and (desired is None or not _has_moved(desired, applied)):
        return str(applied.attributes[URI])
    assert desired is not None  # noqa: S101  a resource is desired, applied, or both
    return str(desired.attributes[URI])


def _has_moved(desired: Desired, applied: Applied) -> bool:
    """Whether git wants the table in another folder than the one it was applied in."""
    folders = [str(side.attributes[URI]).rpartition("/")[0] for side in (desired, applied)]
    return folders[0] != folders[1]


def _unwanted(applied: Applied, observed: Observed) -> Change:
    change = unwanted(applied, observed, title_of(applied), upstream_of(applied))
    return change if observed.exists else replace(change, clears=observed.remnant)


def upstream_of(applied: Applied) -> tuple[str, ...]:
    """The log that a folded table is made from, the topics that a log is made from."""
    table, _, part = applied.address.rpartition(".")
    if part == "fold":
        return (f"{table}.log",)
    return tuple(str(address) for address in cast("list[Json]", applied.attributes.get(TOPICS) or []))


def title_of(applied: Applied) -> str:
    """``orders/current`` for the table at ``<lake>/orders/current``."""
    return "/".join(str(applied.attributes.get(URI, applied.address)).rstrip("/").split("/")[-2:])


def _missing(base: Change, applied: Applied | None, observed: Observed) -> Change:
    change = replace(base, action=Action.CREATE, paths=_all_paths(base))
    if observed.remnant:
        return replace(
            change, clears=True, cause=Cause.UNFINISHED, reason="an apply stopped while it deleted the table"
        )
    if applied is None:
        return replace(change, reason="git asks for it, the lake does not have it")
    if applied.attributes.get(URI) != base.desired.get(URI):
        left = applied.attributes.get(URI)
        return replace(change, reason=f"the lake has moved; the table at {left} is left as it is")
    return replace(
        change,
        cause=Cause.DRIFT,
        reason="it was removed from the lake outside oplake",
    )


def _all_paths(base: Change) -> tuple[PathChange, ...]:
    return tuple(PathChange(path, None, value) for path, value in sorted(base.desired.items()))


def _adopt(base: Change, desired: Desired, observed: Observed) -> Change:
    believed = Applied(
        address=desired.address,
        kind=desired.kind,
        pipeline=desired.pipeline,
        origin="adopted",
        identity=observed.identity,
        attributes=dict(desired.attributes) | {k: v for k, v in observed.attributes.items() if k in FIXED},
        observed=observed.attributes,
    )
    change = _known(base, desired, believed, observed)
    reason = "the table is there, but the state does not know it"
    paths = tuple(replace(path, cause=Cause.ADOPT) for path in change.paths)
    action = Action.REPLACE if change.action is Action.REPLACE else Action.UPDATE
    return replace(change, action=action, cause=Cause.ADOPT, paths=paths, reason=reason)


def _known(base: Change, desired: Desired, applied: Applied, observed: Observed) -> Change:
    change = replace(base, origin=applied.origin)
    if not observed.is_ours:
        return replace(
            change,
            action=Action.REPLACE,
            cause=Cause.DRIFT,
            destroys=True,
            reason="its columns are no longer those of a table that oplake makes",
        )
    paths = [*_identity(applied, observed), *_attributes(desired, applied, observed)]
    fields, must_replace = field_changes(desired.attributes, applied.attributes, observed.columns)
    paths += fields
    must_replace = must_replace or any(_is_stuck(path, desired, applied, observed) for path in FIXED)
    if not paths:
        return change
    drifted = [path for path in paths if path.cause is Cause.DRIFT]
    cause = Cause.DRIFT if len(drifted) == len(paths) else Cause.SPEC
    action = Action.REPLACE if must_replace else Action.UPDATE
    return replace(
        change,
        action=action,
        cause=cause,
        paths=tuple(paths),
        destroys=must_replace,
        alters=any(path.path.startswith(PROPERTIES) for path in paths),
        reason=_reason(cause, drifted),
    )


def _reason(cause: Cause, drifted: list[PathChange]) -> str:
    if cause is Cause.DRIFT:
        return "it was altered outside oplake"
    if drifted:
        return "git has changed since the last apply, and the table was altered outside oplake"
    return "git has changed since the last apply"


def _identity(applied: Applied, observed: Observed) -> Iterator[PathChange]:
    if applied.identity != observed.identity:
        yield PathChange(
            "table id",
            applied.identity,
            observed.identity,
            Cause.DRIFT,
            "somebody replaced the table; the one that is there is taken on as it is",
        )


def _attributes(desired: Desired, applied: Applied, observed: Observed) -> Iterator[PathChange]:
    for path in sorted({*desired.attributes, *applied.attributes}):
        if path.startswith(FIELDS):
            continue
        change = _attribute(path, desired.attributes.get(path), applied, observed)
        if change is not None:
            yield change
    for name, value in sorted(part(observed.attributes, PROPERTIES).items()):
        path = PROPERTIES + name
        known = {*desired.attributes, *applied.attributes}
        before = applied.observed.get(path)
        if path not in known and not same(before, value):
            yield PathChange(path, before, value, Cause.DRIFT, "the spec does not manage it: kept")


def _is_stuck(path: str, desired: Desired, applied: Applied, observed: Observed) -> bool:
    return not same(_live(path, applied, observed), desired.attributes.get(path))


def _is_visible(path: str) -> bool:
    return path == PARTITION or path.startswith(PROPERTIES)


def _live(path: str, applied: Applied, observed: Observed) -> Json:
    """What the table shows; of the rest, what was applied last."""
    return (observed if _is_visible(path) else applied).attributes.get(path)


def _attribute(path: str, wanted: Json, applied: Applied, observed: Observed) -> PathChange | None:
    last, live = applied.attributes.get(path), _live(path, applied, observed)
    if path == "mongodb.uri" and live != wanted:
        return PathChange(path, live, wanted, Cause.SPEC, "another deployment would need new tables")
    if path.startswith(PROPERTIES) and wanted is None:
        return PathChange(path, live, live, Cause.SPEC, "no longer managed: Delta cannot unset it")
    is_drift = not same(live, last)
    if same(live, wanted):
        if not is_drift:
            return None
        return PathChange(path, last, wanted, Cause.SPEC, "the table has it already: only recorded")
    if not is_drift:
        return PathChange(path, live, wanted, Cause.SPEC)
    return PathChange(path, live, wanted, Cause.DRIFT, f"applied last: {_text(last)}")


def _text(value: Json) -> str:
    return "not set" if value is None else str(value)
