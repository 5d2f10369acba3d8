"""What the columns of a row cannot hold, kept in its ``_rescued`` column so that nothing is lost.

``_rescued`` is one JSON object: dotted path -> canonical extended JSON of the value at that path, and up to
four notes whose names start with one backslash (docs/types.md):

    {"depth": {"$numberDouble": "2.5"}, "items.2.sku": null, "\\\\order": {"\\\\root": ["b", "a"]}}

A backslash or a dot inside a field name is written ``\\\\`` or ``\\.``.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from engine.decode import extended_json
from engine.decode.extended_json import Json
from engine.decode.values import BsonValue

ORDER = "\\order"
ROOT = "\\root"
"""Stands in ``ORDER`` for the document itself."""
RAW = extended_json.RAW
TEXT = "\\text"


class Reason(StrEnum):
    """Why a value, or a fact about it, is kept beside its column."""

    CONFLICT = "conflict"
    """The column has another type: it is null here."""
    OUT_OF_RANGE = "out_of_range"
    """The type is right, the value outside what the column can hold: it is null here."""
    RETYPED = "retyped"
    """The column holds the value exactly; only its BSON type (or a Decimal128's trailing zeros) differs."""
    NULL = "null"
    """An explicit null: a null in a column means that the field is missing."""
    UNDEFINED = "undefined"
    """The deprecated BSON undefined."""
    UNTYPED = "untyped"
    """An empty document or array of a field no value of which has shown a type yet."""
    NAME = "name"
    """The field's name cannot be a column's name."""
    LIMIT = "limit"
    """The table has as many columns as it may have."""
    ORDER = "order"
    """The fields stand in another order than the columns."""
    RAW = "raw"
    """No dict can stand for the document (repeated field names, invalid UTF-8): its bytes are kept."""
    UNREADABLE = "unreadable"
    """The document came as text that is no extended JSON: the text is kept, no column has a value."""


RESCUING = frozenset({Reason.CONFLICT, Reason.OUT_OF_RANGE, Reason.LIMIT, Reason.NAME, Reason.RAW, Reason.UNREADABLE})
"""Reasons that leave a column null, or no column at all, although the document has a value. The others are notes
beside a column that holds the value."""


class Rescue:
    """Collects the notes of one batch."""

    def __init__(self) -> None:
        self._notes: dict[int, dict[str, Json]] = {}
        self.counts: Counter[tuple[str, Reason]] = Counter()
        """(column path, reason) -> how often."""

    def keep(self, row: int, path: str, value: BsonValue, column_path: str, reason: Reason) -> None:
        """Keep a value under its path."""
        self._notes.setdefault(row, {})[path] = extended_json.encode(value)
        self.counts[column_path, reason] += 1

    def keep_order(self, row: int, path: str, names: Sequence[str], column_path: str) -> None:
        """Keep the order of the fields of the document at a path (``ROOT``: the whole document)."""
        self._notes.setdefault(row, {}).setdefault(ORDER, {})[path] = list(names)
        self.counts[column_path, Reason.ORDER] += 1

    def keep_raw(self, row: int, document: bytes) -> None:
        """Keep a whole document as its BSON bytes."""
        self._notes.setdefault(row, {})[RAW] = base64.b64encode(document).decode()
        self.counts["", Reason.RAW] += 1

    def keep_text(self, row: int, text: str) -> None:
        """Keep a whole document as the text that nobody can read."""
        self._notes.setdefault(row, {})[TEXT] = text
        self.counts["", Reason.UNREADABLE] += 1

    def absorb(self, other: Rescue) -> None:
        """Take over the notes of another rescue of the same batch, after the own ones."""
        for row, notes in other._notes.items():
            own = self._notes.setdefault(row, {})
            orders = own.get(ORDER)
            own.update(notes)
            if orders and ORDER in notes:
                own[ORDER] = {**orders, **notes[ORDER]}
        self.counts.update(other.counts)

    def texts(self, rows: int) -> list[str | None]:
        """The ``_rescued`` column of a batch of so many rows.

        Paths are sorted, so that a document gives one text whatever batch it comes in.
        """
        texts: list[str | None] = [None] * rows
        for row, notes in self._notes.items():
            if ORDER in notes:
                notes[ORDER] = dict(sorted(notes[ORDER].items()))
            texts[row] = note_text(notes)
        return texts

    def count_by_reason(self) -> dict[str, int]:
        """Reason -> how often, over all columns."""
        totals: Counter[str] = Counter()
        for (_, reason), count in self.counts.items():
            totals[reason.value] += count
        return dict(totals)


def note_text(notes: Mapping[str, Json]) -> str:
    """The notes of one row as ``_rescued`` has them."""
    return json.dumps(dict(sorted(notes.items())), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_notes(text: str | None) -> dict[str, Any]:
    """The notes of one row; none of a row without."""
    return json.loads(text) if text else {}


def join_path(prefix: str | None, name: str) -> str:
    """Extend a dotted path by one field name; ``None`` is the whole document."""
    escaped = name.replace("\\", "\\\\").replace(".", "\\.") if "." in name or "\\" in name else name
    return escaped if prefix is None else f"{prefix}.{escaped}"


def split_path(path: str) -> list[str]:
    """The field names of a dotted path."""
    names, current, escaped = [], "", False
    for character in path:
        if escaped or character not in "\\.":
            current += character
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            names.append(current)
            current = ""
    return [*names, current]
