"""Raw documents that a table's columns hold become columns, some thousand documents at a time.

The answer is the same as ``shred``'s on the documents decoded one by one; it only comes several times faster. Single
values that their column does not hold as they are (see ``scalars.hold``) are decoded one by one; documents with other
fields than the columns, or with their fields in another order, and whatever no encoder writes are left to the caller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from engine.decode.arrow_types import arrow_field, arrow_type
from engine.decode.bson_bytes import BsonBytes, Mask, Places
from engine.decode.bson_leaves import ID, Leaves
from engine.decode.bson_walk import ARRAY, DOCUMENT, NULL, Level, Values, Walk
from engine.decode.keeper import Keeper
from engine.decode.place import DocumentPlace, DocumentsPlace, FieldPlace, InnerPlace, Place
from engine.decode.rules import DecodeRules
from engine.decode.shred import Column
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

_PIECE_ROWS, _PIECE_BYTES = 5000, 8 * 1024 * 1024
"""Documents read together: enough that no column is short, and few enough that the processor's caches hold them."""


@dataclass(frozen=True, slots=True)
class DocumentColumns:
    """What became of a piece's documents; one entry a document everywhere."""

    fits: Mask
    """Which documents were read. What the columns hold of the others means nothing."""
    built: dict[str, Column]
    ids: pa.Array
    """The texts of the documents' ``_id`` (see identity.py)."""


def can_read(columns: Struct, rules: DecodeRules) -> bool:
    """Whether documents of such a table can be read here at all: masks are for decoded documents."""
    return bool(columns.fields) and not rules.masks


def pieces(documents: Sequence[bytes | None], first: int) -> Iterator[tuple[int, int]]:
    """Where pieces of a batch to be read together start and end; the first one has so many rows at most."""
    start, size, most = 0, 0, first
    for row, document in enumerate(documents):
        length = len(document or b"")
        if row > start and (row - start == most or size + length > _PIECE_BYTES):
            yield start, row
            start, size, most = row, 0, _PIECE_ROWS
        size += length
    if start < len(documents):
        yield start, len(documents)


def read_documents(documents: Sequence[bytes | None], columns: Struct, keeper: Keeper) -> DocumentColumns:
    """Read the documents that the columns can hold; notes of theirs, and of no others, go to the keeper.

    Args:
        documents: raw BSON, together no more than one of ``pieces``; None where there is none, which never fits.
        columns: the document columns.
        keeper: of these documents; its rules must have no masks.

    Raises:
        TypeConflict: a value does not fit its column and the rules say ``on_conflict: fail``.
    """
    source = BsonBytes([document or b"" for document in documents], max(map(len, _names(columns)), default=0))
    walk = Walk(source)
    reader = _Reader(walk, keeper.rules)
    built, ids = reader.documents(columns)
    for row, note in reader.leaves.notes:
        if not walk.left[row]:
            note(keeper)
    return DocumentColumns(~walk.left, built, ids)


class _Reader:
    def __init__(self, walk: Walk, rules: DecodeRules) -> None:
        self.leaves = Leaves(walk, rules)
        self._walk = walk

    def documents(self, columns: Struct) -> tuple[dict[str, Column], pa.Array]:
        level, place = self._walk.documents(), DocumentPlace()
        fields = self._walk.fields(level, [ID, *columns.fields])
        _, found = next(fields)
        ids = self.leaves.identities(found, level.row)
        return self._built(fields, level, columns, place), ids

    def _built(
        self, fields: Iterator[tuple[str, Values | None]], level: Level, columns: Struct, place: Place
    ) -> dict[str, Column]:
        return {
            name: Column(
                self._field(values, level.row, columns.fields[name], FieldPlace(place, name)), columns.fields[name]
            )
            for name, values in fields
        }

    def _field(self, values: Values | None, rows: Places, column: ColumnType, place: FieldPlace) -> pa.Array:
        if values is None:
            return pa.nulls(len(rows), arrow_type(column))
        is_null = values.kind == NULL
        if is_null.any():
            for index in values.where(is_null).owners().tolist():
                self.leaves.note(rows, index, partial(Keeper.keep_null, index=index, place=place))
        return self._column(values, rows, column, place)

    def _column(self, values: Values, rows: Places, column: ColumnType, place: Place) -> pa.Array:
        match column:
            case Struct():
                return self._structs(values, rows, column, place)
            case ListOf():
                return self._lists(values, rows, column, place)
            case MapOf():
                self._walk.leave(rows[values.where(values.kind != NULL).owners()])
                return pa.nulls(len(rows), arrow_type(column))
            case Scalar():
                return self.leaves.column(values, rows, column, place)

    def _structs(self, values: Values, rows: Places, column: Struct, place: Place) -> pa.Array:
        level, absent = self._below(values, DOCUMENT, rows, column, place)
        fields = self._walk.fields(level, list(column.fields))
        built = self._built(fields, level, column, DocumentsPlace(place))
        return pa.StructArray.from_arrays(
            [child.array for child in built.values()],
            fields=[arrow_field(name, child.type) for name, child in built.items()],
            mask=absent,
        )

    def _lists(self, values: Values, rows: Places, column: ListOf, place: Place) -> pa.Array:
        level, absent = self._below(values, ARRAY, rows, column, place)
        offsets, elements = self._walk.elements(level)
        owners = np.repeat(rows, np.diff(offsets))
        inner = self._column(elements, owners, column.element, InnerPlace(place, offsets[:-1].tolist()))
        starts = pa.array(offsets.astype(np.int32))
        return pa.ListArray.from_arrays(starts, inner, type=arrow_type(column), mask=absent)

    def _below(
        self, values: Values, kind: int, rows: Places, column: ColumnType, place: Place
    ) -> tuple[Level, pa.Array | None]:
        """The documents or arrays among the values, and where there are none; other values are kept."""
        is_home = values.kind == kind
        if not is_home.all():
            strangers = values.where(~is_home & (values.kind != NULL))
            for index, value in self.leaves.decoded(strangers, rows):
                keep = partial(Keeper.keep_stranger, value=value, index=index, place=place, column=column)
                self.leaves.note(rows, index, keep)
            values = values.where(is_home)
        if values.index is None:
            return self._walk.inside(values, rows), None
        absent = np.ones(len(rows), np.bool_)
        absent[values.index] = False
        return self._walk.inside(values, rows), pa.array(absent)


def _names(column: ColumnType) -> Iterator[bytes]:
    match column:
        case Struct(fields):
            for name, child in fields.items():
                yield name.encode()
                yield from _names(child)
        case ListOf(inner) | MapOf(inner):
            yield from _names(inner)
