"""One spelling for every JSON value, so that equal things have equal text and equal digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def canonical_json(value: object) -> str:
    """JSON with sorted keys, no blanks and no escapes for letters; tuples are lists.

    Raises:
        TypeError, ValueError: the value holds something JSON has no word for (NaN included).
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> str:
    """The SHA-256 of ``canonical_json(value)``, 64 hex digits."""
    return digest_bytes(canonical_json(value).encode())


def digest_bytes(data: bytes) -> str:
    """The SHA-256 of the bytes, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def parse_object(text: str) -> dict[str, Json]:
    """Read a JSON object.

    Raises:
        ValueError: the text is not JSON, or not an object.
    """
    value = json.loads(text)
    if not isinstance(value, Mapping):
        raise ValueError("expected a JSON object")  # noqa: TRY004  one error type for "not our JSON"
    return dict(value)
