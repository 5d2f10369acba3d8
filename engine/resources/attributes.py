"""Attributes as flat paths, and the one spelling two equal values share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.state.canonical import Json

_INTERVAL = re.compile(r"(?:interval\s+)?(\d+)\s+(second|minute|hour|day|week)s?", re.IGNORECASE)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_WORDS = {"true": True, "false": False}


def flatten(value: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    """(dotted path, leaf) of nested mappings; lists are leaves; an empty mapping has no leaves."""
    for name, child in value.items():
        path = f"{prefix}{name}"
        if isinstance(child, Mapping):
            yield from flatten(child, f"{path}.")
        else:
            yield path, child


def canonical(value: Json) -> Json:
    """What a value means, however a server spells it: booleans, whole numbers and intervals in seconds."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    interval = _INTERVAL.fullmatch(text)
    if interval:
        return f"{int(interval[1]) * _SECONDS[interval[2].lower()]} s"
    return text


def same(left: Json, right: Json) -> bool:
    """Whether two values mean the same. ``True`` and ``1`` do not."""
    left, right = canonical(left), canonical(right)
    return type(left) is type(right) and left == right


def part(attributes: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    """The attributes below a prefix, without it."""
    return {path.removeprefix(prefix): value for path, value in attributes.items() if path.startswith(prefix)}


def interval_text(seconds: int) -> str:
    """A duration as Delta properties want it, in the largest unit that holds it whole."""
    for unit in ("day", "hour", "minute"):
        if seconds and seconds % _SECONDS[unit] == 0:
            count = seconds // _SECONDS[unit]
            return f"interval {count} {unit}{'s' if count != 1 else ''}"
    return f"interval {seconds} seconds"
