"""A value that its key cannot have, in words: what it has to be, what it is, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from engine.spec.diagnostics import Diagnostic, near_miss
from engine.spec.model_fields import model_at
from engine.spec.pipeline import FieldRule
from engine.spec.target import NAME_PATTERN
from engine.spec.wrong_value import WrongValue
from engine.spec.yaml_tree import Path, Tree, value_at

_MAPPING = "a mapping (`key: value`)"
_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "string_type": "text",
        "int_type": "a whole number",
        "int_parsing_size": "a whole number",
        "bool_type": "true or false",
        "dict_type": _MAPPING,
        "model_type": _MAPPING,
        "model_attributes_type": _MAPPING,
        "tuple_type": "a list",
        "list_type": "a list",
    }
)
_YES_NO: Mapping[str, str] = MappingProxyType({"yes": "true", "on": "true", "no": "false", "off": "false"})
_KINDS: Mapping[type, str] = MappingProxyType(
    {dict: "a mapping", list: "a list", bool: "true or false", int: "a number", float: "a decimal number"}
)


def value_problem(tree: Tree, model: type[BaseModel], path: Path, detail: ErrorDetails) -> Diagnostic:
    """The problem at a value; ``detail`` is what pydantic says about it."""
    kind, context = detail["type"], detail.get("ctx", {})
    value, name = value_at(tree.data, path), _named(path)
    error = context.get("error")
    if isinstance(error, WrongValue):
        return tree.diagnostic(path, error.rule, f"{name} {error}", error.suggestion)
    if kind == "literal_error":
        return _wrong_choice(tree, path, value, context["expected"])
    if kind in _TYPES:
        message = f"{name} has to be {_TYPES[kind]}, not {_kind(value)}"
        return tree.diagnostic(path, "wrong-type", message, _retyped(model, path, kind, value))
    if kind == "string_pattern_mismatch":
        return _wrong_name(tree, path, str(value), context["pattern"])
    return tree.diagnostic(path, "invalid-value", f"{name} {_bound(kind, context) or detail['msg']}")


def _wrong_choice(tree: Tree, path: Path, value: object, expected: str) -> Diagnostic:
    choices = re.findall(r"'([^']*)'", expected)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    shown = f"`{text[:60]}`" if isinstance(value, str | int | float) else _kind(value)
    message = f"{_named(path)} cannot be {shown}"
    meant = near_miss(value, choices) if isinstance(value, str) else None
    suggestion = f"did you mean `{meant}`? " if meant else ""
    if len(choices) > 1 or not meant:
        suggestion += f"choose one of {', '.join(choices)}" if len(choices) > 1 else f"it can only be {choices[0]}"
    return tree.diagnostic(path, "unknown-value", message, suggestion.strip())


def _wrong_name(tree: Tree, path: Path, value: str, pattern: str) -> Diagnostic:
    is_name = pattern == NAME_PATTERN
    message = f"{_named(path)} cannot be `{value[:60]}`: "
    message += (
        "lower-case letters, digits and _ make a name, a letter first"
        if is_name
        else "lower-case letters, digits, _ and {pipeline}, {database}, {collection} make a table's name"
    )
    better = re.sub(r"[^a-z0-9_{}]+", "_", value.lower()).strip("_")
    suggestion = f"write `{better}`" if re.fullmatch(pattern, better) else ""
    return tree.diagnostic(path, "bad-name", message, suggestion)


def _retyped(model: type[BaseModel], path: Path, kind: str, value: object) -> str:
    """How the value would be written if its type was the only mistake; empty when nobody can tell."""
    if isinstance(value, str):
        return _retyped_text(value, kind, is_field=model_at(model, path) is FieldRule)
    if kind == "string_type" and isinstance(value, int | float):
        return "put it into quotes"
    if kind in ("dict_type", "model_type") and isinstance(value, list):
        return f"write `key: value` lines below `{path[-1]}`, without `- `" if path else "delete the leading `- `"
    return ""


def _retyped_text(value: str, kind: str, *, is_field: bool) -> str:
    if is_field:
        wanted = "mask" if value in ("sha256", "redact", "drop") else "as" if value == "map" else "type"
        return f"write `{{{wanted}: {value[:60]}}}`"
    if kind == "tuple_type" and "," not in value:
        return f"write `[{value[:60]}]`"
    if kind == "bool_type":
        word = _YES_NO.get(value.casefold(), value.casefold())
        return f"write `{word}` without quotes" if word in ("true", "false") else ""
    return "write it without quotes" if kind.startswith("int") and value.isdecimal() else ""


def _bound(kind: str, context: Mapping[str, Any]) -> str:
    """Bounds of numbers, lengths and lists."""
    match kind:
        case "greater_than_equal":
            return f"has to be at least {context['ge']:,}"
        case "less_than_equal":
            return f"can be at most {context['le']:,}"
        case "too_short":
            return "is empty: give at least one"
        case "string_too_short":
            return "is empty"
        case "string_too_long":
            return f"can have at most {context['max_length']} characters"
        case _:
            return ""


def _named(path: Path) -> str:
    if path and isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {_named(path[:-1])}"
    return f"`{path[-1]}`" if path else "a spec"


def _kind(value: object) -> str:
    return "empty" if value is None else _KINDS.get(type(value), "text")
