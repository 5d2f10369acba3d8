"""Masked fields: replaced or removed in the decoded document, before anything of it can be written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from engine.decode import extended_json
from engine.decode.values import BsonValue, Document

REDACTED = "***"


def apply_masks(documents: Iterable[Document], masks: Mapping[tuple[str, ...], str]) -> None:
    """Mask fields in place; arrays on the way are walked through, as in MongoDB's dotted paths.

    An explicit null stays null: it tells nothing but that there is no value.
    """
    for document in documents:
        for path, mask in masks.items():
            _mask(document, path, mask)


def mask_value(value: BsonValue, mask: str) -> BsonValue:
    """What a masked field holds instead of a value (``sha256`` or ``redact``)."""
    return None if value is None else _MASKS[mask](value)


def _mask(container: BsonValue, path: tuple[str, ...], mask: str) -> None:
    if isinstance(container, list):
        for item in container:
            _mask(item, path, mask)
        return
    name, rest = path[0], path[1:]
    if not isinstance(container, dict) or name not in container:
        return
    if rest:
        _mask(container[name], rest, mask)
    elif mask == "drop":
        del container[name]
    else:
        container[name] = mask_value(container[name], mask)


def _sha256(value: BsonValue) -> str:
    """Of a string its UTF-8 bytes, of anything else its canonical extended JSON."""
    text = value if isinstance(value, str) else extended_json.dumps(value)
    return hashlib.sha256(text.encode()).hexdigest()


_MASKS: Mapping[str, Callable[[BsonValue], str]] = MappingProxyType({"sha256": _sha256, "redact": lambda _: REDACTED})
