"""Durations (``60s``, ``5m``, ``1h``, ``7d``) and sizes (``64MiB``) as specs write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

DURATION_PATTERN = r"^[0-9]+(ms|s|m|h|d)$"
SIZE_PATTERN = r"^[0-9]+(B|KiB|MiB|GiB)$"
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_MAX_DURATION = timedelta(days=3650)


def parse_duration(value: object) -> timedelta:
    """Read ``60s``.

    Raises:
        ValueError: not a duration, or longer than ten years.
    """
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"([0-9]{1,12})(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a duration; write a number and a unit: 500ms, 60s, 5m, 1h or 7d")
    seconds = int(match[1]) * _SECONDS[match[2]]
    if seconds > _MAX_DURATION.total_seconds():
        raise ValueError("longer than ten years")
    return timedelta(seconds=seconds)


def format_duration(value: timedelta) -> str:
    """Write a duration in the largest unit that holds it exactly."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit, scale in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % scale == 0:
            return f"{milliseconds // scale}{unit}"
    return f"{milliseconds}ms"


def parse_size(value: object) -> int:
    """Read ``64MiB`` as bytes.

    Raises:
        ValueError: not a size.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"([0-9]{1,15})(B|KiB|MiB|GiB)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not a size; write a number and a unit: 512KiB, 64MiB or 1GiB")
    return int(match[1]) * _BYTES[match[2]]


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["60s", "7d"]}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(gt=0),
    WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN, "examples": ["64MiB"]}),
]
