"""A plan as people read it: a legend, one block a resource, what it means for the data, one line of sums."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, cast

from engine.planner.plan import Plan
from engine.resources.change import Action, Cause, Change, PathChange
from engine.resources.columns import struct_from_json
from engine.resources.notice import Notice
from engine.resources.quantities import count
from engine.spec.types import format_type
from engine.state.canonical import Json

Paint: TypeAlias = Callable[[str, str], str]
"""(text, style) -> text; styles: ``add``, ``change``, ``remove``, ``drift``, ``title``, ``dim``, ``error``."""

SIGNS: Mapping[Action, tuple[str, str, str]] = {
    Action.CREATE: ("+", "add", "will be created"),
    Action.UPDATE: ("~", "change", "will be changed"),
    Action.REPLACE: ("-/+", "remove", "must be replaced"),
    Action.DELETE: ("-", "remove", "will be deleted"),
}
SHOWN_ON_CREATE = ("namespace", "mode", "partition", "replication", "fields.", "properties.", "config.", "uri")
MAX_COLUMNS = 40
"""Inferred columns listed for one table; the plan file holds all of them."""
MAX_TYPE_WIDTH = 60
_FATES = {"fail": "would stop the run (on_conflict: fail)", "widen": "widen the column or go to _rescued"}
"""What becomes of values that do not fit, where it is not the usual."""


def plain(text: str, style: str) -> str:  # noqa: ARG001  the signature of Paint
    """No colours."""
    return text


def explain(plan: Plan, paint: Paint = plain) -> str:
    """The whole plan; lines end without blanks, the text ends without a newline."""
    lines: list[str] = [f"Target {plan.target}, lake {plan.lake}"]
    if plan.unfinished:
        lines += ["", paint(f"! {plan.unfinished}", "drift")]
    if plan.pending:
        lines += ["", _legend(plan, paint)]
    for change in plan.pending:
        lines += ["", *_block(change, paint)]
    if plan.notices:
        lines += ["", *_notices(plan.notices, paint)]
    lines += ["", *_summary(plan, paint)]
    return "\n".join(line.rstrip() for line in lines)


def _legend(plan: Plan, paint: Paint) -> str:
    actions = [action for action in SIGNS if plan.counts()[action]]
    parts = [f"{paint(SIGNS[action][0], SIGNS[action][1])} {_verb(action)}" for action in actions]
    if plan.drifted:
        parts.append(f"{paint('!', 'drift')} changed outside oplake")
    return "Legend:  " + "   ".join(parts)


def _verb(action: Action) -> str:
    return "change" if action is Action.UPDATE else action.value


def _block(change: Change, paint: Paint) -> Iterator[str]:
    sign, style, will = SIGNS[change.action]
    if change.action is Action.DELETE and change.keeps:
        will = "will be forgotten"
    yield paint(f"  # {change.title} {will}: {change.reason}", "drift" if change.drifted else "title")
    yield f"{paint(f'{sign:>3}', style)} {change.kind} {paint(change.title, 'title')}"
    if change.action is Action.CREATE:
        shown = [path for path in change.paths if path.path.startswith(SHOWN_ON_CREATE) and path.after != []]
        yield from _attributes(shown, paint)
    elif change.action is not Action.DELETE:
        yield from _attributes(change.paths, paint)
    yield from _inferred(change, paint)
    for line in change.consequence:
        yield f"    {paint('=>', 'dim')} {line}"


def _attributes(paths: Sequence[PathChange], paint: Paint) -> Iterator[str]:
    names = [_name(path) for path in paths]
    width = max(map(len, names), default=0)
    for name, path in zip(names, paths, strict=True):
        sign, style, text = _path(path)
        note = paint(f"  ({path.note})", "dim") if path.note else ""
        yield f"      {paint(sign, style)} {name:<{width}}  {text}{note}"


def _name(path: PathChange) -> str:
    """Delta's properties and Kafka's settings are known by their own names."""
    return path.path.removeprefix("properties.").removeprefix("config.")


def _path(path: PathChange) -> tuple[str, str, str]:
    if path.before is None and path.cause is not Cause.DRIFT:
        return "+", "add", value_text(path.after)
    if path.cause is Cause.DRIFT:
        sign, style = "!", "drift"
    elif path.after is None:
        sign, style = "-", "remove"
    else:
        sign, style = "~", "change"
    if path.before == path.after:
        return sign, style, value_text(path.after)
    return sign, style, f"{value_text(path.before)} -> {value_text(path.after)}"


def value_text(value: Json) -> str:
    """A value for people: bare words, ``[a, b]``, ``{type: string}``, ``(not set)``."""
    match value:
        case None:
            return "(not set)"
        case dict():
            return "{" + ", ".join(f"{name}: {value_text(child)}" for name, child in value.items()) + "}"
        case list():
            return "[" + ", ".join(value_text(child) for child in value) + "]"
        case str() if value and value.isprintable():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)


def _inferred(change: Change, paint: Paint) -> Iterator[str]:
    if "sampled" not in change.inferred:
        return
    columns = struct_from_json(change.inferred["columns"]).fields
    conflicts = cast("dict[str, dict[str, int]]", change.inferred.get("conflicts") or {})
    misfits = cast("dict[str, int]", change.inferred.get("misfits") or {})
    fate = _FATES.get(str(change.desired.get("table.on_conflict")), "go to _rescued")
    told = {path: _conflict(conflicts.get(path, {}), misfits.get(path, 0), fate) for path in {*conflicts, *misfits}}
    if not columns:
        yield paint("        no columns yet: the first documents decide them", "dim")
        return
    sampled = cast("int", change.inferred["sampled"])
    yield paint(f"        columns inferred from a sample of {count(sampled, 'document')}:", "dim")
    listed = [(name, _shorten(format_type(column))) for name, column in columns.items()][:MAX_COLUMNS]
    names, types = (max(len(row[i]) for row in listed) for i in (0, 1))
    for name, text in listed:
        also = told.pop(name, "")
        yield f"          {name:<{names}}  {text:<{types}}  {paint(also, 'drift') if also else ''}"
    if len(columns) > MAX_COLUMNS:
        yield paint(f"          and {len(columns) - MAX_COLUMNS} more (all are in --json)", "dim")
    for path, also in sorted(told.items()):
        yield f"          {path}  {paint(also, 'drift')}"


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_TYPE_WIDTH else text[: MAX_TYPE_WIDTH - 3] + "..."


def _conflict(types: Mapping[str, int], misfits: int, fate: str) -> str:
    most_first = sorted(types.items(), key=lambda item: (-item[1], item[0]))
    seen = ", ".join(f"{number:,} {name}" for name, number in most_first)
    told = [f"types differ: {seen}"] if seen else []
    if misfits:
        told.append(f"{misfits:,} {fate}")
    return "; ".join(told)


def _notices(notices: Sequence[Notice], paint: Paint) -> Iterator[str]:
    for notice in notices:
        style = "error" if notice.level == "error" else "drift"
        yield f"{paint(f'{notice.level}[{notice.code}]:', style)} {notice.what}"
        if notice.where:
            yield paint(f"  where: {notice.where}", "dim")
        if notice.remedy:
            yield f"  help: {notice.remedy}"


def _summary(plan: Plan, paint: Paint) -> Iterator[str]:
    if plan.errors:
        yield paint(f"This plan has {count(len(plan.errors), 'error')}: it can be read, not applied.", "error")
        return
    if not plan.pending:
        kinds = Counter(change.kind for change in plan.changes) or {"table": 0}
        told = ", ".join(count(number, kind) for kind, number in sorted(kinds.items()))
        ending = "" if plan.unfinished else " Nothing to apply."
        yield paint(f"No changes: {told} as git asks.{ending}", "add")
        return
    counts = plan.counts()
    yield paint(
        f"Plan: {counts[Action.CREATE]} to create, {counts[Action.UPDATE]} to change, "
        f"{counts[Action.REPLACE]} to replace, {counts[Action.DELETE]} to delete.",
        "title",
    )
    if plan.drifted:
        yield paint(f"Drift: {', '.join(_drift(change) for change in plan.drifted)}.", "drift")
    if any(change.destroys for change in plan.pending):
        yield "Data would be deleted: apply needs --allow-replace."


def _drift(change: Change) -> str:
    if change.action is Action.CREATE:
        return f"{change.title} was removed"
    paths = [_name(path) for path in change.paths if path.cause is Cause.DRIFT]
    return f"{change.title} was altered" + (f" ({', '.join(paths)})" if paths else "")
