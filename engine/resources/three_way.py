"""The three-way difference of a resource whose settings can all be set and unset: git, last applied, live. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from engine.resources.attributes import part, same
from engine.resources.change import Action, Cause, Change, PathChange
from engine.resources.resource import Desired, Observed
from engine.state.applied import Applied
from engine.state.canonical import Json

CONFIG = "config."
"""Attributes that stand in the world, and may be set by anybody there."""


def base_of(desired: Desired, observed: Observed) -> Change:
    """A change that does nothing yet."""
    return Change(
        address=desired.address,
        kind=desired.kind,
        title=desired.title,
        pipeline=desired.pipeline,
        action=Action.NO_OP,
        depends_on=desired.depends_on,
        identity=observed.identity,
        desired=desired.attributes,
    )


def missing(base: Change, applied: Applied | None, where: str) -> Change:
    """Something that is not there: it is new, or somebody removed it."""
    paths = tuple(PathChange(path, None, value) for path, value in sorted(base.desired.items()))
    if applied is None:
        return replace(base, action=Action.CREATE, paths=paths, reason=f"git asks for it, {where} does not have it")
    reason = f"it was removed from {where} outside oplake"
    return replace(base, action=Action.CREATE, cause=Cause.DRIFT, paths=paths, reason=reason)


def unwanted(applied: Applied, observed: Observed, title: str, upstream: tuple[str, ...]) -> Change:
    """Something that git no longer asks for; only what oplake created itself is deleted."""
    is_own = observed.exists and applied.origin == "created" and applied.identity == observed.identity
    return Change(
        address=applied.address,
        kind=applied.kind,
        title=title,
        pipeline=applied.pipeline,
        action=Action.DELETE,
        identity=observed.identity,
        origin=applied.origin,
        desired=applied.attributes,
        reason="git no longer asks for it",
        depends_on=upstream,
        keeps=not is_own,
        destroys=is_own,
    )


def adopted(base: Change, observed: Observed, where: str, is_visible: Callable[[str], bool]) -> Change:
    """Something that is there, and that the state does not know: taken on, and altered where it differs."""
    visible = sorted(path for path in {*base.desired, *observed.attributes} if is_visible(path))
    pairs = [(path, observed.attributes.get(path), base.desired.get(path)) for path in visible]
    paths = tuple(PathChange(path, live, want, Cause.ADOPT) for path, live, want in pairs if not same(live, want))
    return replace(
        base,
        action=Action.UPDATE,
        cause=Cause.ADOPT,
        origin="adopted",
        paths=paths,
        alters=bool(paths),
        reason=f"it is in {where}, but the state does not know it",
    )


def changed(base: Change, applied: Applied, observed: Observed, paths: tuple[PathChange, ...]) -> Change:
    """Something that is there and known, with these differences."""
    change = replace(base, origin=applied.origin, paths=paths)
    if not paths:
        return change
    drifted = [path for path in paths if path.cause is Cause.DRIFT]
    is_drift = len(drifted) == len(paths)
    reason = "it was altered outside oplake" if is_drift else "git has changed since the last apply"
    if drifted and not is_drift:
        reason += ", and it was altered outside oplake"
    alters = any(not same(observed.attributes.get(p.path), p.after) for p in paths if _is_live(p.path, observed))
    cause = Cause.DRIFT if is_drift else Cause.SPEC
    return replace(change, action=Action.UPDATE, cause=cause, reason=reason, alters=alters)


def differences(
    desired: Mapping[str, Json], applied: Applied, observed: Observed, is_visible: Callable[[str], bool]
) -> Iterator[PathChange]:
    """Every path on which the three do not agree.

    A setting that git never asked for and that somebody added is drift as well, and is taken away again.
    """
    for path in sorted({*desired, *applied.attributes}):
        last, wanted = applied.attributes.get(path), desired.get(path)
        live = observed.attributes.get(path) if is_visible(path) else last
        found = _difference(path, wanted, last, live)
        if found is not None:
            yield found
    known = {*desired, *applied.attributes}
    for path, live in sorted(observed.attributes.items()):
        if path.startswith(CONFIG) and path not in known:
            yield PathChange(path, live, None, Cause.DRIFT, "the spec does not have it: removed")


def _difference(path: str, wanted: Json, last: Json, live: Json) -> PathChange | None:
    is_drift = not same(live, last)
    if same(live, wanted):
        return PathChange(path, last, wanted, Cause.SPEC, "it is so already: only recorded") if is_drift else None
    if not is_drift:
        return PathChange(path, live, wanted, Cause.SPEC)
    return PathChange(path, live, wanted, Cause.DRIFT, f"applied last: {'not set' if last is None else last}")


def _is_live(path: str, observed: Observed) -> bool:
    return path.startswith(CONFIG) or path in observed.attributes


def settings(attributes: Mapping[str, Json]) -> dict[str, str]:
    """Name -> text of everything below ``config.``."""
    return {name: str(value) for name, value in part(attributes, CONFIG).items()}
