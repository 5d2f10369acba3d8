"""Where a row tells another document than the collection has.

Bytes decide: a document and its row are equal when the row gives the document back byte for byte (masks aside). Only
where they are not, the two are walked side by side to say at which paths.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from bson import Binary, DBRef
from bson.errors import BSONError

from engine.decode import extended_json
from engine.decode.bson_documents import decode_documents
from engine.decode.exact_bson import write_exactly
from engine.decode.masks import REDACTED, apply_masks
from engine.decode.rebuild import Row, rebuild, rebuild_bytes
from engine.decode.rescue import join_path
from engine.decode.rules import DecodeRules
from engine.decode.values import BsonValue, Document
from engine.reconcile.bent_columns import Names, bent_columns
from engine.spec.types import Struct

_GONE = object()
_UNREADABLE = (BSONError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What ``rebuild`` raises for a row that no decoder made: notes that are no JSON, or lead nowhere."""


class Kind(StrEnum):
    """How the two differ at one path."""

    MISSING_FIELD = "missing_field"
    """The document has it, the row does not."""
    EXTRA_FIELD = "extra_field"
    TYPE = "type"
    """Both have it, of different BSON types."""
    VALUE = "value"
    ORDER = "order"
    """The same fields in another order."""
    BYTES = "bytes"
    """The documents differ in what no path tells, such as a field that comes twice."""
    COLUMN = "column"
    """The row tells the document by a note in ``_rescued``, and the column beside it holds something else."""
    UNREADABLE = "unreadable"
    """The row cannot be turned into a document at all."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One place at which the two differ."""

    path: str
    """Dotted, with the numbers of array elements; empty: the whole document."""
    source: str | None
    """Canonical extended JSON; None where there is nothing, or nothing to show. A masked value is ``"***"``."""
    table: str | None
    kind: Kind

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"path": self.path, "source": self.source, "table": self.table, "kind": self.kind.value}


def differences(source_document: bytes, row: Row, columns: Struct, rules: DecodeRules) -> tuple[FieldDifference, ...]:
    """All places at which a row differs from its document; none when its notes and columns tell the same.

    Args:
        source_document: BSON as the collection has it.
        row: of any of the three tables, as ``pyarrow.Table.to_pylist`` gives it.
        columns: the table's document columns.
        rules: masks are laid over the document first; what they hide is compared, and never shown.
    """
    source = decode_documents([source_document]).documents[0]
    apply_masks([source], rules.masks, rules.map_paths)
    try:
        told = rebuild_bytes(row, columns)
        if told == (write_exactly(source) if rules.masks else source_document):
            return tuple(_Comparison(rules).bent(bent_columns(source_document, row, columns, rules)))
        table = rebuild(row, columns)
    except _UNREADABLE:
        return (FieldDifference("", None, None, Kind.UNREADABLE),)
    found = tuple(_Comparison(rules).compare(source, table, _TOP))
    return found or (FieldDifference("", None, None, Kind.BYTES),)


@dataclass(frozen=True, slots=True)
class _Place:
    path: str | None
    columns: frozenset[tuple[str, ...]]
    """The column paths by which a spec may name this place: in a map with its key, or without."""


_TOP = _Place(None, frozenset({()}))


class _Comparison:
    def __init__(self, rules: DecodeRules) -> None:
        self._masks = rules.masks
        self._maps = rules.map_paths

    def compare(self, source: BsonValue, table: BsonValue, place: _Place) -> Iterator[FieldDifference]:
        source, table = _opened(source), _opened(table)
        if isinstance(source, dict) and isinstance(table, dict):
            yield from self._documents(source, table, place)
        elif isinstance(source, list) and isinstance(table, list):
            for number, (one, other) in enumerate(zip_longest(source, table, fillvalue=_GONE)):
                yield from self.compare(one, other, _element(place, number))
        elif _text(source) != _text(table):
            one, other = self._shown(source, place), self._shown(table, place)
            yield FieldDifference(place.path or "", one, other, _kind(source, table))

    def bent(self, found: Iterable[tuple[Names, BsonValue, BsonValue]]) -> Iterator[FieldDifference]:
        for names, right, held in found:
            place = _TOP
            for name in names:
                place = _element(place, name) if isinstance(name, int) else self._field(place, name)
            one, other = (None if value is None else self._shown(value, place) for value in (right, held))
            yield FieldDifference(place.path or "", one, other, Kind.COLUMN)

    def _documents(self, source: Document, table: Document, place: _Place) -> Iterator[FieldDifference]:
        for name in dict.fromkeys([*source, *table]):
            yield from self.compare(source.get(name, _GONE), table.get(name, _GONE), self._field(place, name))
        if list(source) != list(table) and source.keys() == table.keys():
            one, other = extended_json.dumps(list(source)), extended_json.dumps(list(table))
            yield FieldDifference(place.path or "", one, other, Kind.ORDER)

    def _field(self, place: _Place, name: str) -> _Place:
        named = {(*path, name) for path in place.columns}
        return _Place(join_path(place.path, name), frozenset(named | (place.columns & self._maps)))

    def _shown(self, value: BsonValue, place: _Place) -> str | None:
        if value is _GONE:
            return None
        if any(mask == path[: len(mask)] for path in place.columns for mask in self._masks):
            return extended_json.dumps(REDACTED)
        below = {
            ("", *mask[len(path) :]) for path in place.columns for mask in self._masks if mask[: len(path)] == path
        }
        if below:
            maps = {
                ("", *inner[len(path) :])
                for path in place.columns
                for inner in self._maps
                if inner[: len(path)] == path
            }
            holder = {"": copy.deepcopy(value)}
            apply_masks([holder], dict.fromkeys(below, "redact"), maps)
            value = holder[""]
        return extended_json.dumps(value)


def _element(place: _Place, number: int) -> _Place:
    return _Place(join_path(place.path, str(number)), place.columns)


def _opened(value: BsonValue) -> BsonValue:
    """A DBRef, which PyMongo makes of a document with ``$ref`` and ``$id``, as that document."""
    return dict(value.as_doc()) if type(value) is DBRef else value


def _text(value: BsonValue) -> str | None:
    return None if value is _GONE else extended_json.dumps(value)


def _kind(source: BsonValue, table: BsonValue) -> Kind:
    if table is _GONE:
        return Kind.MISSING_FIELD
    if source is _GONE:
        return Kind.EXTRA_FIELD
    return Kind.VALUE if _type(source) == _type(table) else Kind.TYPE


def _type(value: BsonValue) -> tuple[type, int]:
    """The class, and of binary values their subtype."""
    kind = bytes if isinstance(value, bytes) else type(value)
    return kind, value.subtype if isinstance(value, Binary) else 0
