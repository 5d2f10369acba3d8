"""Which values a Delta table can be partitioned by and give back.

A partition's value is text in the log, and the name of a folder. Delta reads an empty text as null, and deltalake 1.6.6
the name that Hive gives to the folder of null; it writes -1.5 as ``-1.-5000000000``, after which the table cannot be
opened at all, and bends binary values.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote

from engine.spec.types import Scalar

_READ_AS_NULL = frozenset({"", "__HIVE_DEFAULT_PARTITION__"})
_LONGEST_FOLDER = 255
"""Bytes of a file name on every usual disk; an object store allows more."""


def can_partition(value: Any, scalar: Scalar, name: str) -> bool:  # noqa: ANN401 - whatever Arrow is given
    """Whether the column ``name`` of this type, which partitions the table, can hold the value."""
    if scalar is Scalar.BINARY:
        return False
    if scalar is Scalar.DECIMAL:
        return bool(value >= 0 or value == value.to_integral_value())
    if isinstance(value, float):
        value = format(Decimal(repr(value)), "f")
    if not isinstance(value, str):
        return True
    return value not in _READ_AS_NULL and len(quote(f"{name}={value}", safe="=")) <= _LONGEST_FOLDER
