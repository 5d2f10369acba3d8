"""What a spec says about the decoding of one table: pins, maps, limits and what to do on a conflict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.spec.types import ColumnType

OnConflict = Literal["rescue", "widen", "fail"]


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
    on_conflict: OnConflict = "rescue"
    limits: Limits = Limits()
