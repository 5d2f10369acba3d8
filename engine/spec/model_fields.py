"""Which keys a model knows, at any path of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.spec.yaml_tree import Path

Model: TypeAlias = "type[BaseModel]"


def fields_of(model: Model) -> dict[str, FieldInfo]:
    """The keys of a model as YAML writes them."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def model_at(model: Model, path: Path) -> Model | None:
    """The model whose keys stand at a path; None where none does."""
    return model_in(_annotation_at(model, path))


def field_at(model: Model, path: Path) -> FieldInfo | None:
    """The field at a path; None where the path names none."""
    owner = model_at(model, path[:-1]) if path else None
    return fields_of(owner).get(str(path[-1])) if owner else None


def holds(model: Model, path: Path, *types: type) -> bool:
    """Whether the field at a path is of one of these types (or nothing)."""
    annotation = _annotation_at(model, path)
    return any(candidate in types for candidate in (annotation, *get_args(annotation)))


def is_known(model: Model, path: Path) -> bool:
    """Whether a spec can have a value at a path; items of lists are where their list is."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return not path or _annotation_at(model, path) is not None


def model_in(annotation: Any) -> Model | None:  # noqa: ANN401 - a type annotation
    """The model that an annotation is, or is with None."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel) and get_origin(annotation) is not dict:
            return candidate
    return None


def owners_of(model: Model, key: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the mappings that have such a key, the upper ones first."""
    fields = fields_of(model)
    if key in fields:
        yield above
    for name, info in fields.items():
        inner = model_in(info.annotation)
        if inner is not None:
            yield from owners_of(inner, key, (*above, name))


def _annotation_at(model: Model, path: Path) -> Any:  # noqa: ANN401 - a type annotation
    annotation: Any = model
    for part in path:
        inner = model_in(annotation)
        if inner is not None:
            info = fields_of(inner).get(str(part))
            annotation = None if info is None else info.annotation
        elif get_origin(annotation) in (dict, Mapping):
            annotation = get_args(annotation)[1]
        else:
            return None
    return annotation
