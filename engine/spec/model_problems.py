"""What pydantic finds wrong with a spec's data, as diagnostics at the right place in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.spec.diagnostics import Diagnostic, did_you_mean
from engine.spec.yaml_tree import Path, Tree

Model = TypeVar("Model", bound=BaseModel)

_TYPE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "string_type": "text",
        "int_type": "a whole number",
        "int_parsing": "a whole number",
        "bool_type": "true or false",
        "dict_type": "a mapping (`key: value` lines)",
        "model_type": "a mapping (`key: value` lines)",
        "model_attributes_type": "a mapping (`key: value` lines)",
        "tuple_type": "a list",
        "list_type": "a list",
    }
)


def read_model(tree: Tree, model: type[Model]) -> tuple[Model | None, list[Diagnostic]]:
    """The model a file holds, or everything that is wrong with it."""
    try:
        return model.model_validate(tree.data), []
    except ValidationError as error:
        return None, [_diagnostic(tree, model, detail) for detail in error.errors(include_url=False)]


def _diagnostic(tree: Tree, model: type[BaseModel], detail: ErrorDetails) -> Diagnostic:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    kind = detail["type"]
    if kind == "extra_forbidden":
        keys = _keys_at(model, path[:-1])
        message = f"unknown key `{path[-1]}`"
        return tree.diagnostic(path, "unknown-key", message, did_you_mean(str(path[-1]), keys), at_key=True)
    if kind == "missing":
        place = "here" if len(path) == 1 else f"in `{path[-2]}`"
        return tree.diagnostic(path[:-1], "missing-key", f"the key `{path[-1]}` is missing {place}", at_key=True)
    if kind == "literal_error":
        return _wrong_choice(tree, path, detail)
    if kind in _TYPE_NAMES:
        found = _kind_of(_value_at(tree.data, path))
        return tree.diagnostic(path, "wrong-type", f"{_named(path)} has to be {_TYPE_NAMES[kind]}, not {found}")
    message = str(detail["ctx"]["error"]) if kind == "value_error" else detail["msg"]
    return tree.diagnostic(path, "invalid-value", f"{_named(path)}: {_lower_first(message)}")


def _wrong_choice(tree: Tree, path: Path, detail: ErrorDetails) -> Diagnostic:
    expected = detail.get("ctx", {}).get("expected", "")
    choices = [part.strip("' ") for part in expected.replace(" or ", ", ").split(",")]
    value = _value_at(tree.data, path)
    message = f"{_named(path)} cannot be {_shown(value)}; choose one of {', '.join(choices)}"
    suggestion = did_you_mean(value, choices) if isinstance(value, str) else ""
    return tree.diagnostic(path, "unknown-value", message, "" if "known here" in suggestion else suggestion)


def _keys_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that a model accepts at a path."""
    current: Any = model
    for part in path:
        fields = _fields(current)
        if part in fields:
            current = _inner_model(fields[str(part)])
    return list(_fields(current))


def _fields(model: Any) -> dict[str, Any]:  # noqa: ANN401 - a type annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _inner_model(annotation: Any) -> Any:  # noqa: ANN401 - a type annotation
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return annotation


def _value_at(data: Any, path: Sequence[str | int]) -> Any:  # noqa: ANN401 - whatever the YAML says
    for part in path:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
    return data


def _named(path: Sequence[str | int]) -> str:
    names = [str(part) for part in path if not isinstance(part, int)]
    return f"`{names[-1]}`" if names else "the spec"


def _kind_of(value: object) -> str:
    names: dict[type, str] = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    return "empty" if value is None else names.get(type(value), "a number")


def _shown(value: object) -> str:
    return f"`{value}`" if isinstance(value, str | int | float | bool) else _kind_of(value)


def _lower_first(message: str) -> str:
    return message[:1].lower() + message[1:]
