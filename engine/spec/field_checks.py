"""Contradictions among the rules for fields, partition columns and z-order columns of one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.spec.diagnostics import Diagnostic, near_miss
from engine.spec.pipeline import FieldRule, Table
from engine.spec.types import ColumnType, MapOf, Scalar
from engine.spec.yaml_tree import Path, Tree

SYSTEM_COLUMNS = ("_id", "_op", "_source_ts", "_position", "_ingested_at", "_ingestion_date", "_rescued")
INGESTION_DATE = "_ingestion_date"
_NEVER_SORTED = frozenset({Scalar.JSON, Scalar.BINARY})


def check_fields(tree: Tree, table: Table) -> Iterator[Diagnostic]:
    """Rules that contradict each other, and columns that cannot be what they are asked to be."""
    yield from _check_rules(tree, table.fields)
    partitions: Path = ("table", "partition_by")
    yield from _check_repeats(tree, partitions, table.partition_by)
    for index, name in enumerate(table.partition_by):
        yield from _check_partition(tree, (*partitions, index), name, table)
    yield from _check_z_order(tree, table)


def field_path(dotted: str) -> tuple[str, ...]:
    """The names of a dotted path; a backslash makes the dot or backslash after it part of a name."""
    names, current, is_escaped = [], "", False
    for character in dotted:
        if is_escaped or character not in "\\.":
            current, is_escaped = current + character, False
        elif character == "\\":
            is_escaped = True
        else:
            names.append(current)
            current = ""
    return (*names, current)


def _check_rules(tree: Tree, rules: Mapping[str, FieldRule]) -> Iterator[Diagnostic]:
    by_path = {field_path(name): (name, rule) for name, rule in rules.items()}
    for path, (name, rule) in by_path.items():
        at: Path = ("table", "fields", name)
        if "" in path:
            message = f"`{name}` is no path of a field: a name in it is empty"
            yield tree.diagnostic(
                at, "bad-field-path", message, "write `a.b`, and `a\\.b` for a dot in a name", at_key=True
            )
        elif path[0] == "_id" or (path[0] in SYSTEM_COLUMNS and rule.mask is None):
            yield tree.diagnostic(at, "reserved-field", *_reserved(path[0]), at_key=True)
        elif rule.mask is not None and (rule.as_map or rule.type is not None):
            message = f"`{name}` is masked: its type cannot be chosen as well"
            yield tree.diagnostic(at, "contradictory-rule", message, "keep `mask` alone, or delete it", at_key=True)
        else:
            above = next((path[:n] for n in range(1, len(path)) if path[:n] in by_path), None)
            reason = None if above is None else _overrules(by_path[above][1], rule)
            if above is not None and reason:
                message = f"this rule has no effect: `{by_path[above][0]}` {reason}"
                yield tree.diagnostic(at, "contradictory-rule", message, "delete one of the two rules", at_key=True)


def _overrules(above: FieldRule, rule: FieldRule) -> str | None:
    """Why a rule leaves nothing for the rule of a field inside it."""
    if above.mask is not None:
        return "is masked as a whole"
    if rule.mask is None and (above.as_map or above.type is not None):
        return "is a map" if above.as_map or isinstance(above.type, MapOf) else "has a pinned type"
    return None


def _reserved(name: str) -> tuple[str, str]:
    if name == "_id":
        return "`_id` identifies the document: it can be neither pinned nor masked", "delete the rule"
    return f"`{name}` is a column that oplake adds itself", "delete the rule; a field of that name is kept in _rescued"


def _check_repeats(tree: Tree, at: Path, names: Sequence[str]) -> Iterator[Diagnostic]:
    for index, name in enumerate(names):
        before = next((one for one in names[:index] if one.casefold() == name.casefold()), None)
        if before is not None:
            other = "" if before == name else f": in other capitals, `{before}` is the same column"
            message = f"`{name}` is listed twice{other}"
            yield tree.diagnostic((*at, index), "duplicate-column", message, "delete one of the two")


def _check_partition(tree: Tree, at: Path, name: str, table: Table) -> Iterator[Diagnostic]:
    if name == INGESTION_DATE:
        return
    rule = table.fields.get(name)
    if name.casefold() in SYSTEM_COLUMNS:
        message = f"the system column `{name}` cannot partition a table"
        yield tree.diagnostic(at, "bad-partition", message, f"`{INGESTION_DATE}` can, and declared fields can")
    elif rule is None:
        meant = near_miss(name, [INGESTION_DATE, *table.fields])
        pin = f"add it to `table.fields`: `{name}: {{type: string}}`"
        message = f"`{name}` is not declared: a partition column needs a pinned type"
        yield tree.diagnostic(at, "undeclared-partition", message, f"did you mean `{meant}`?" if meant else pin)
    elif rule.mask in ("redact", "drop"):
        message = f"`{name}` is masked ({rule.mask}): every row would be in one partition"
        yield tree.diagnostic(at, "hidden-column", message, "partition by another column")
    elif len(field_path(name)) > 1:
        message = f"`{name}` is inside a document: only top-level fields can partition a table"
        yield tree.diagnostic(at, "bad-partition", message, "partition by another column")


def _check_z_order(tree: Tree, table: Table) -> Iterator[Diagnostic]:
    at: Path = ("table", "maintenance", "z_order")
    names = table.maintenance.z_order
    yield from _check_repeats(tree, at, names)
    if names and table.maintenance.optimize == "never":
        message = "`z_order` does nothing with `optimize: never`"
        yield tree.diagnostic(at, "useless-key", message, "delete one of the two", at_key=True)
    for index, name in enumerate(names):
        rule = table.fields.get(name)
        if name in table.partition_by:
            message = f"`{name}` partitions the table already: files cannot be sorted by it as well"
            yield tree.diagnostic((*at, index), "contradictory-keys", message, "delete it here or in `partition_by`")
        elif rule is not None and rule.mask in ("redact", "drop"):
            message = f"`{name}` is masked ({rule.mask}): there is nothing to sort by"
            yield tree.diagnostic((*at, index), "hidden-column", message, "sort by another column")
        elif rule is not None and rule.type is not None and _is_unsorted(rule.type):
            message = f"`{name}` has a type that files cannot be sorted by"
            yield tree.diagnostic((*at, index), "contradictory-keys", message, "sort by a column of plain values")


def _is_unsorted(column: ColumnType) -> bool:
    return not isinstance(column, Scalar) or column in _NEVER_SORTED
