"""Masked fields: replaced or removed in the decoded document, before anything of it can be written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from bson import DBRef

from engine.decode import extended_json
from engine.decode.values import BsonValue, Document

REDACTED = "***"


def apply_masks(
    documents: Iterable[Document], masks: Mapping[tuple[str, ...], str], maps: Collection[tuple[str, ...]] = ()
) -> None:
    """Mask fields in place; arrays on the way are walked through, as in MongoDB's dotted paths.

    So are the values of a map (``maps``: column paths), whose keys no path can name; a key that is named is masked
    all the same. An explicit null stays null: it tells nothing but that there is no value.
    """
    for document in documents:
        for path, mask in masks.items():
            _mask(document, path, mask)
            for above in maps:
                if path[: len(above)] == above and len(path) > len(above):
                    _mask_in_map(document, above, path[len(above) :], mask)


def mask_value(value: BsonValue, mask: str) -> BsonValue:
    """What a masked field holds instead of a value (``sha256`` or ``redact``)."""
    return None if value is None else _MASKS[mask](value)


def _mask(container: BsonValue, path: tuple[str, ...], mask: str) -> None:
    name, rest = path[0], path[1:]
    if isinstance(container, list):
        for index in range(len(container)):
            _mask(_opened(container, index), path, mask)
    elif not isinstance(container, dict) or name not in container:
        return
    elif rest:
        _mask(_opened(container, name), rest, mask)
    elif mask == "drop":
        del container[name]
    else:
        container[name] = mask_value(container[name], mask)


def _mask_in_map(container: BsonValue, above: tuple[str, ...], path: tuple[str, ...], mask: str) -> None:
    if isinstance(container, list):
        for index in range(len(container)):
            _mask_in_map(_opened(container, index), above, path, mask)
    elif not isinstance(container, dict):
        return
    elif not above:
        for name in container:
            _mask(_opened(container, name), path, mask)
    elif above[0] in container:
        _mask_in_map(_opened(container, above[0]), above[1:], path, mask)


def _opened(container: BsonValue, key: str | int) -> BsonValue:
    """What stands there; a DBRef, which PyMongo makes of a document with ``$ref`` and ``$id``, as that document."""
    if type(container[key]) is DBRef:
        container[key] = dict(container[key].as_doc())
    return container[key]


def _sha256(value: BsonValue) -> str:
    """Of a string its UTF-8 bytes, of anything else its canonical extended JSON."""
    text = value if isinstance(value, str) else extended_json.dumps(value)
    return hashlib.sha256(text.encode()).hexdigest()


_MASKS: Mapping[str, Callable[[BsonValue], str]] = MappingProxyType({"sha256": _sha256, "redact": lambda _: REDACTED})
