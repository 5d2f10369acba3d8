"""A pinned column type as a spec writes it: ``int64``, ``list<double>``, ``map<string>``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from engine.spec.diagnostics import near_miss
from engine.spec.types import Scalar, format_type, parse_type
from engine.spec.wrong_value import WrongValue

MAX_LENGTH = 120
"""Characters of a type; bounds its nesting too."""

_SCALARS = tuple(scalar.value for scalar in Scalar)
_PATTERN = rf"^((list|map)<)*({'|'.join(_SCALARS)})>*$"
# Names that other systems have for these types.
_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "str": "string", "text": "string", "varchar": "string",
        "int": "int32", "integer": "int32",
        "long": "int64", "bigint": "int64",
        "float": "double", "float64": "double", "real": "double", "number": "double",
        "decimal": "decimal128", "numeric": "decimal128",
        "boolean": "bool",
        "datetime": "date", "timestamptz": "date",
        "bytes": "binary", "bindata": "binary",
        "oid": "objectId",
    }
)  # fmt: skip


def read_type(value: object) -> object:
    """A type; anything but text passes through.

    Raises:
        WrongValue: the text names no type.
    """
    if not isinstance(value, str):
        if value is None or not isinstance(value, int | float | list | dict):
            return value
        raise WrongValue("has to be text", f"write one of {', '.join(_SCALARS)}", "wrong-type")
    try:
        return parse_type(value[:MAX_LENGTH])
    except ValueError:
        words = [word.strip() for word in re.split(r"[<>]", value[:MAX_LENGTH])]
        unknown = next((word for word in words if word and word not in (*_SCALARS, "list", "map")), "")
        meant = near_miss(unknown, (*_OTHER_NAMES, *_SCALARS, "list", "map")) if unknown else None
        hint = f"did you mean `{_OTHER_NAMES.get(meant, meant)}`? " if meant else ""
        known = f"types are {', '.join(_SCALARS)}, list<T> and map<T>"
        shown = f" `{value[:MAX_LENGTH]}`"
        raise WrongValue(f"names the unknown type{shown}", hint + known, "unknown-type") from None


Pin = Annotated[
    Any,
    BeforeValidator(read_type),
    PlainSerializer(lambda column: None if column is None else format_type(column)),
    WithJsonSchema({"type": "string", "pattern": _PATTERN, "examples": [*_SCALARS, "list<double>", "map<string>"]}),
]
