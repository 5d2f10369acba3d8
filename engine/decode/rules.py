"""What a spec says about the decoding of one table: pins, maps, limits and what to do on a conflict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from engine.decode.rescue import split_path
from engine.spec.types import ColumnType, MapOf

OnConflict: TypeAlias = Literal["rescue", "widen", "fail"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on the width of a table; beyond them values go to ``_rescued``."""

    max_depth: int = 16
    """Documents and arrays nested deeper become ``json`` columns."""
    max_columns: int = 2000
    """Leaf columns of one table."""


@dataclass(frozen=True, slots=True)
class DecodeRules:
    """Column paths (tuples of field names) -> what the spec says about them."""

    pins: Mapping[tuple[str, ...], ColumnType] = field(default_factory=dict)
    maps: frozenset[tuple[str, ...]] = frozenset()
    masks: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Path -> ``sha256``, ``redact`` or ``drop``."""
    partitions: frozenset[tuple[str, ...]] = frozenset()
    """Columns that partition a table: some values cannot (see partition_values.py)."""
    on_conflict: OnConflict = "rescue"
    limits: Limits = Limits()

    @property
    def map_paths(self) -> frozenset[tuple[str, ...]]:
        """All columns that are maps, those with a pinned type too."""
        return self.maps | {path for path, column in self.pins.items() if isinstance(column, MapOf)}


class FieldRule(Protocol):
    """What a spec says about one field (``table.fields`` of a pipeline)."""

    @property
    def type(self) -> ColumnType | None:
        """The pinned type."""

    @property
    def as_map(self) -> bool:
        """Whether the keys of this document are data."""

    @property
    def mask(self) -> str | None:
        """How the field is hidden."""


def rules_of(fields: Mapping[str, FieldRule], on_conflict: OnConflict, partition_by: Iterable[str] = ()) -> DecodeRules:
    """The rules of a spec's ``fields``, whose keys are dotted paths, and of its ``partition_by``."""
    pins: dict[tuple[str, ...], ColumnType] = {}
    maps: set[tuple[str, ...]] = set()
    masks: dict[tuple[str, ...], str] = {}
    for dotted, rule in fields.items():
        path = tuple(split_path(dotted))
        if rule.as_map and rule.type is None:
            maps.add(path)
        elif rule.type is not None:
            is_value_type = rule.as_map and not isinstance(rule.type, MapOf)
            pins[path] = MapOf(rule.type) if is_value_type else rule.type
        if rule.mask is not None:
            masks[path] = rule.mask
    partitions = frozenset((name,) for name in partition_by)
    return DecodeRules(pins, frozenset(maps), masks, partitions, on_conflict)
