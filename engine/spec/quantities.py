"""Durations (``60s``, ``5m``, ``1h``, ``7d``) and sizes (``64MiB``) as specs write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from engine.spec.wrong_value import WrongValue

DURATION_PATTERN = r"^[0-9]{1,12}(ms|s|m|h|d)$"
SIZE_PATTERN = r"^[0-9]{1,12}(B|KiB|MiB|GiB)$"
MAX_DURATION = timedelta(days=3650)
MAX_SIZE = 16 << 30
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_LOOSE = re.compile(r"\s*([0-9]{1,12})\s*([A-Za-z]*)\s*")


def parse_duration(value: object) -> timedelta:
    """Read ``60s``.

    Raises:
        WrongValue: not a duration, none at all, or longer than ten years.
    """
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(DURATION_PATTERN, value) if isinstance(value, str) else None
    if match is None or not isinstance(value, str):
        hint = _nearest(value, {"ms": "ms", "s": "s", "m": "m", "h": "h", "d": "d"})
        raise WrongValue("is no duration", hint or "write a number and a unit: 500ms, 60s, 5m, 1h or 7d")
    seconds = int(value.removesuffix(match[1])) * _SECONDS[match[1]]
    if not 0 < seconds <= MAX_DURATION.total_seconds():
        raise WrongValue("has to be more than nothing and at most ten years")
    return timedelta(seconds=seconds)


def format_duration(value: timedelta) -> str:
    """Write a duration in the largest unit that holds it exactly."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit, scale in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % scale == 0:
            return f"{milliseconds // scale}{unit}"
    return f"{milliseconds}ms"


def parse_size(value: object) -> int:
    """Read ``64MiB``, or a number of bytes.

    Raises:
        WrongValue: not a size, none at all, or more than 16 GiB.
    """
    match = re.fullmatch(SIZE_PATTERN, value) if isinstance(value, str) else None
    if isinstance(value, int) and not isinstance(value, bool):
        size = value
    elif match is not None and isinstance(value, str):
        size = int(value.removesuffix(match[1])) * _BYTES[match[1]]
    else:
        hint = _nearest(value, {"b": "B", "k": "KiB", "m": "MiB", "g": "GiB"})
        raise WrongValue("is no size", hint or "write a number and a unit: 512KiB, 64MiB or 1GiB")
    if not 0 < size <= MAX_SIZE:
        raise WrongValue("has to be more than nothing and at most 16GiB")
    return size


def format_size(value: int) -> str:
    """Write a size in the largest unit that holds it exactly."""
    for unit in ("GiB", "MiB", "KiB"):
        if value and value % _BYTES[unit] == 0:
            return f"{value // _BYTES[unit]}{unit}"
    return f"{value}B"


def _nearest(value: object, units: dict[str, str]) -> str:
    """What somebody who wrote ``60 sec``, ``64MB`` or a bare number may have meant."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "add a unit: " + ", ".join(f"{value}{unit}" for unit in units.values())
    match = _LOOSE.fullmatch(value) if isinstance(value, str) else None
    word = match[2].lower() if match else ""
    unit = units.get(word[:2]) if word[:2] == "ms" else units.get(word[:1])
    return f"did you mean `{int(match[1])}{unit}`?" if match and unit else ""


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["500ms", "60s", "5m", "1h", "7d"]}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": SIZE_PATTERN},
                {"type": "integer", "minimum": 1, "maximum": MAX_SIZE},
            ],
            "examples": ["512KiB", "64MiB", "1GiB"],
        }
    ),
]
