"""What ``table.fields`` asks of a table that has columns already: a note for the state, or a new table.

A rule is ``{"type": ..., "as": "map", "mask": ...}`` with only the keys that are set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from engine.resources.attributes import part
from engine.resources.change import Cause, PathChange
from engine.resources.columns import column_at
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct, format_type, parse_type
from engine.state.canonical import Json

FIELDS = "fields."
Rule: TypeAlias = Mapping[str, str]

_WIDER: Mapping[ColumnType, frozenset[Scalar]] = {
    Scalar.INT32: frozenset({Scalar.INT64, Scalar.DOUBLE}),
    Scalar.INT64: frozenset({Scalar.DOUBLE}),
}


def field_changes(
    desired: Mapping[str, Json], applied: Mapping[str, Json], columns: Struct | None
) -> tuple[list[PathChange], bool]:
    """Every rule that changed or that the table no longer keeps, and whether the table has to be replaced."""
    wanted, last = part(desired, FIELDS), part(applied, FIELDS)
    may_widen = desired.get("table.on_conflict") == "widen"
    changes: list[PathChange] = []
    must_replace = False
    for path in sorted({*wanted, *last}):
        change, is_fixed = _judge(path, _rule(wanted, path), _rule(last, path), columns, may_widen=may_widen)
        if change is not None:
            changes.append(change)
            must_replace = must_replace or is_fixed
    return changes, must_replace


def _rule(rules: Mapping[str, Json], path: str) -> Rule:
    return cast("Rule", rules.get(path) or {})


def _judge(
    path: str, wanted: Rule, last: Rule, columns: Struct | None, *, may_widen: bool
) -> tuple[PathChange | None, bool]:
    live = column_at(columns, path)
    name = FIELDS + path
    before: Json = dict(last) or None
    after: Json = dict(wanted) or None
    if wanted.get("mask") != last.get("mask"):
        # Rows already written hold the values as the last rule left them: hidden, plain, or not at all.
        must_replace = live is not None or "mask" in last
        note = "rows already written hold what the last rule left" if must_replace else _unharmed(live)
        return PathChange(name, before, after, Cause.SPEC, note), must_replace
    fits = live is None or _fits(live, wanted, may_widen=may_widen)
    if wanted == last:
        if fits:
            return None, False
        assert live is not None  # noqa: S101  what is not there always fits
        return PathChange(name, format_type(live), after, Cause.DRIFT, "the column's type was changed"), True
    if not fits:
        assert live is not None  # noqa: S101  what is not there always fits
        note = f"the column is {format_type(live)}"
        return PathChange(name, before, after, Cause.SPEC, note), True
    if "as" in last and "as" not in wanted and isinstance(_without_lists(live), MapOf):
        return PathChange(name, before, after, Cause.SPEC, "the column is a map"), True
    return PathChange(name, before, after, Cause.SPEC, _unharmed(live)), False


def _unharmed(live: ColumnType | None) -> str:
    if live is None:
        return "the table has no such column yet"
    return f"the column is {format_type(live)} already"


def _fits(live: ColumnType, wanted: Rule, *, may_widen: bool) -> bool:
    if "mask" in wanted:
        return True  # a mask decides what the column holds, and masks are compared before types
    if "type" not in wanted:
        # The rule is about documents: a column of anything else is as it would be without it.
        return "as" not in wanted or not isinstance(_without_lists(live), Struct)
    pinned = parse_type(wanted["type"])
    if "as" in wanted and not isinstance(pinned, MapOf):
        pinned = MapOf(pinned)
    if live == pinned:
        return True
    if not (may_widen and isinstance(pinned, Scalar) and isinstance(live, Scalar)):
        return False
    return live in _WIDER.get(pinned, frozenset())


def _without_lists(column: ColumnType | None) -> ColumnType | None:
    while isinstance(column, ListOf):
        column = column.element
    return column
