"""What pydantic finds wrong with a spec's data, as diagnostics at the right place in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.spec.diagnostics import Diagnostic, near_miss
from engine.spec.model_fields import field_at, fields_of, is_known, model_at, model_in, owners_of
from engine.spec.secret_keys import hides_key
from engine.spec.value_problems import value_problem
from engine.spec.yaml_tree import Path, Tree, leaves

Model = TypeVar("Model", bound=BaseModel)

_ROUNDS = 4
"""Leaving out what is wrong can bring up more (a list without its wrong item is missing): so often at most."""
_MAX_GUESSES = 50
"""Unknown keys of one file for which a known one is looked for."""


def read_model(tree: Tree, model: type[Model]) -> tuple[Model | None, list[Diagnostic]]:
    """The model a file holds and everything that is wrong with it.

    With problems, the model is what remains without the wrong parts, for checks across keys and files: it never
    leaves this room. None when too little remains.
    """
    empty = [path for path, value in leaves(tree.data) if value is None and path and is_known(model, path)]
    problems = [_no_value(tree, model, path) for path in empty]
    data = _without(tree.data, empty)
    left_out: set[Path] = set(empty)
    for attempt in range(_ROUNDS):
        try:
            return model.model_validate(data), problems
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        if attempt == 0:
            problems += _diagnostics(tree, model, details, left_out)
        # Without one of its keys nothing is left of a mapping.
        wrong = {_path(detail)[:-1] if detail["type"] == "missing" else _path(detail) for detail in details}
        if () in wrong:
            break
        data = _without(data, wrong)
        left_out |= wrong
    return None, problems


def _diagnostics(
    tree: Tree, model: type[BaseModel], details: Sequence[ErrorDetails], left_out: Collection[Path]
) -> Iterator[Diagnostic]:
    misspelt: set[Path] = set()
    unknown = [_path(detail) for detail in details if detail["type"] == "extra_forbidden"]
    for number, path in enumerate(unknown):
        meant = near_miss(str(path[-1]), _keys(model, path[:-1])) if number < _MAX_GUESSES else None
        misspelt |= {(*path[:-1], meant)} if meant else set()
        yield _unknown_key(tree, model, path, meant)
    for detail in details:
        path = _path(detail)
        if detail["type"] == "missing":
            if path not in misspelt and path not in left_out:
                yield _missing_key(tree, model, path)
        elif detail["type"] != "extra_forbidden":
            yield value_problem(tree, model, path, detail)


def _path(detail: ErrorDetails) -> Path:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    owner = model_at(model, path)
    return list(fields_of(owner)) if owner else []


def _unknown_key(tree: Tree, model: type[BaseModel], path: Path, meant: str | None) -> Diagnostic:
    key, keys = str(path[-1]), _keys(model, path[:-1])
    owner = next(owners_of(model, key), None)
    if meant is not None:
        suggestion = f"did you mean `{meant}`?"
    elif owner is not None:
        suggestion = f"it belongs under `{'.'.join(owner)}`" if owner else "it belongs to the top level"
    else:
        suggestion = f"known here: {', '.join(keys)}" if keys else "this mapping has no keys: write {}"
    place = f" in `{path[-2]}`" if len(path) > 1 else ""
    shown = "unknown key" if hides_key(tree, model, path) else f"unknown key `{key}`"
    return tree.diagnostic(path, "unknown-key", f"{shown}{place}", suggestion, at_key=True)


def _missing_key(tree: Tree, model: type[BaseModel], path: Path) -> Diagnostic:
    info = field_at(model, path)
    place = f"`{path[-2]}` needs the key" if len(path) > 1 else "the spec needs the key"
    meaning = f"{path[-1]}: {info.description}" if info and info.description else ""
    return tree.diagnostic(path[:-1], "missing-key", f"{place} `{path[-1]}`", meaning, at_key=True)


def _no_value(tree: Tree, model: type[BaseModel], path: Path) -> Diagnostic:
    if not isinstance(path[-1], str):
        return tree.diagnostic(path, "empty-value", "this item of the list is empty", "delete it or write a value")
    info = field_at(model, path)
    inner = model_in(info.annotation) if info else None
    can_be_empty = inner is not None and not any(field.is_required() for field in fields_of(inner).values())
    hint = f"write `{path[-1]}: {{}}` for all defaults, or delete the key" if can_be_empty else ""
    return tree.diagnostic(
        path, "empty-value", f"`{path[-1]}` has no value", hint or "write a value, or delete the key", at_key=True
    )


def _without(data: Any, paths: Collection[Path]) -> Any:  # noqa: ANN401 - whatever the YAML says
    """The data without some parts; of a list that loses an item nothing remains, as its places would shift."""
    gone = {_above_list(path) for path in paths}
    return _pruned(data, (), gone)


def _above_list(path: Path) -> Path:
    while path and not isinstance(path[-1], str):
        path = path[:-1]
    return path


def _pruned(data: Any, path: Path, gone: Collection[Path]) -> Any:  # noqa: ANN401 - whatever the YAML says
    if isinstance(data, dict):
        return {key: _pruned(value, (*path, key), gone) for key, value in data.items() if (*path, key) not in gone}
    if isinstance(data, list):
        return [_pruned(value, (*path, index), gone) for index, value in enumerate(data)]
    return data
