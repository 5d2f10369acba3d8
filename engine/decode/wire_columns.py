"""Texts of documents that a table's columns hold as they are become columns, a batch at a time.

The answer is the same as ``shred``'s on the documents read one by one; it only comes several times faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from bson import Decimal128
from bson.int64 import Int64
from pyarrow import json as arrow_json

from engine.decode.arrow_types import arrow_field, arrow_type
from engine.decode.identity import identity_texts
from engine.decode.keeper import Keeper
from engine.decode.masked_columns import can_mask, masked
from engine.decode.place import DocumentPlace, DocumentsPlace, FieldPlace, InnerPlace, Place
from engine.decode.rescue import Reason
from engine.decode.shred import Column
from engine.decode.text_lines import TextLines
from engine.decode.wire_documents import (
    ID,
    identity_scalar,
    null_text,
    nullable_names,
    pattern_of,
    schema_of,
)
from engine.decode.wire_scalars import WIRE_SCALARS, first_field, with_trailing_zeros
from engine.errors import InternalError
from engine.spec.types import ColumnType, ListOf, Scalar, Struct

_INT32_LIMIT = 2**31
_NULL = b": null"
_LONGEST_PATTERN = 15_000
"""Characters, some 110 columns. RE2 keeps the states of a pattern in 8 MiB; when they do not fit it makes them again
and again (measured with names that begin alike: 7 microseconds a text at 110 columns, 180 at 140)."""
_ID_PLACE = FieldPlace(DocumentPlace(), ID)


class WireReader:
    """Reads whole columns for one table, as long as its columns stay what they are."""

    def __init__(self, columns: Struct, identity: Scalar, masks: Mapping[tuple[str, ...], str] | None = None) -> None:
        """``identity``: the scalar that most documents' ``_id`` is; ``masks``: see ``DecodeRules``."""
        self.columns = columns
        self.identity = identity
        self._pattern = pattern_of(columns, identity)
        self.pays = len(self._pattern) <= _LONGEST_PATTERN and can_mask(columns, masks or {})
        """Whether sorting the texts costs less than reading them one by one, and whole columns can be masked."""
        self._schema = schema_of(columns, identity)
        self._nullable = nullable_names(columns)

    def sort(self, texts: TextLines) -> tuple[list[int], list[int]]:
        """The places of the documents that the columns hold as they are, and of the others and of what is None."""
        lines = texts.lines()
        if lines is None:
            return [], list(range(len(texts)))
        fits = pc.match_substring_regex(lines, self._pattern)
        if pc.all(fits).as_py():
            return list(range(len(texts))), []
        return pc.indices_nonzero(fits).to_pylist(), pc.indices_nonzero(pc.invert(fits)).to_pylist()

    def read(self, texts: TextLines, keeper: Keeper) -> tuple[dict[str, Column], pa.Array]:
        """Columns, and the texts of the ids, of documents that all fit.

        Raises:
            pa.ArrowInvalid: one of them is no JSON.
        """
        table = arrow_json.read_json(
            pa.BufferReader(texts.content),
            arrow_json.ReadOptions(use_threads=False, block_size=texts.content.size + 1),
            arrow_json.ParseOptions(self._schema, unexpected_field_behavior="error"),
        ).combine_chunks()
        if table.num_rows != len(texts):
            raise pa.ArrowInvalid("a text holds more than one document")
        arrays = {name: table[name].chunk(0) for name in table.column_names}
        nulls = _Nulls(texts.texts, self._nullable, keeper)
        built = _Unwrapping(keeper, nulls).fields(arrays, self.columns, DocumentPlace(), len(texts))
        return built, _identities(arrays[ID], self.identity, keeper)


def reader_for(
    texts: Sequence[bytes | None],
    columns: Struct,
    last: WireReader | None,
    masks: Mapping[tuple[str, ...], str] | None = None,
) -> WireReader | None:
    """A reader for a batch's documents (the last one, if it fits); None when their ids are of no simple type."""
    first = next((text for text in texts if text is not None), None)
    identity = None if first is None else identity_scalar(first)
    if identity is None:
        return None
    is_same = last is not None and last.identity is identity and last.columns == columns
    return last if is_same else WireReader(columns, identity, masks)


class _Nulls:
    """Keeps explicit nulls: in a column they look like fields that are missing."""

    def __init__(self, texts: Sequence[bytes | None], nullable: frozenset[str], keeper: Keeper) -> None:
        self._all = texts
        self._nullable = nullable
        self._keeper = keeper

    @cached_property
    def _texts(self) -> list[tuple[int, bytes]]:
        """Looked for only where a column has nulls."""
        return [(row, text) for row, text in enumerate(self._all) if text and _NULL in text]

    def keep(self, array: pa.Array, place: FieldPlace) -> None:
        """``array``: the parsed column of a field that stands in no list, so that it has one entry a text."""
        if not array.null_count or place.name not in self._nullable or not self._texts:
            return
        null = null_text(place.name).encode()
        for row, text in self._texts:
            if null in text:
                self._keeper.keep_null(row, place)


class _Unwrapping:
    def __init__(self, keeper: Keeper, nulls: _Nulls) -> None:
        self._keeper = keeper
        self._nulls = nulls

    def fields(self, arrays: dict[str, pa.Array], columns: Struct, place: Place, rows: int) -> dict[str, Column]:
        built: dict[str, Column] = {}
        for name, child in columns.fields.items():
            if name in arrays:
                field = FieldPlace(place, name)
                self._nulls.keep(arrays[name], field)
                built[name] = Column(self.column(arrays[name], child, field), child)
            else:
                built[name] = Column(pa.nulls(rows, arrow_type(child)), child)
        return built

    def column(self, array: pa.Array, column: ColumnType, place: Place) -> pa.Array:
        match column:
            case Struct():
                return self._struct(array, column, place)
            case ListOf(element):
                offsets = array.offsets
                starts = offsets[:-1].to_numpy().tolist()
                inner = self.column(array.values, element, InnerPlace(place, starts))
                return pa.ListArray.from_arrays(offsets, inner, type=arrow_type(column), mask=array.is_null())
            case Scalar():
                if column is Scalar.DECIMAL:
                    self._keep_trailing_zeros(array, place)
                values = WIRE_SCALARS[column].unwrap(array)
                mask = self._keeper.rules.masks.get(place.column_path)
                return values if mask is None else masked(values, mask)
        raise InternalError(f"texts that hold the column {place.column!r} are never admitted")

    def _struct(self, array: pa.Array, column: Struct, place: Place) -> pa.Array:
        arrays = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        built = self.fields(arrays, column, DocumentsPlace(place), len(array))
        return pa.StructArray.from_arrays(
            [child.array for child in built.values()],
            fields=[arrow_field(name, child.type) for name, child in built.items()],
            mask=array.is_null(),
        )

    def _keep_trailing_zeros(self, array: pa.Array, place: Place) -> None:
        for index in with_trailing_zeros(array):
            value = Decimal128(first_field(array)[index].as_py())
            self._keeper.keep(value, index, place, Reason.RETYPED, Scalar.DECIMAL)


def _identities(array: pa.Array, identity: Scalar, keeper: Keeper) -> pa.Array:
    """The ``_id`` column (see identity.py) of ids that are all of one scalar."""
    match identity:
        case Scalar.OBJECT_ID:
            return first_field(array)
        case Scalar.INT32:
            return _wrapped("$numberInt", array.cast(pa.string()))
        case Scalar.INT64:
            numbers = WIRE_SCALARS[Scalar.INT64].unwrap(array)
            is_small = pc.and_(pc.greater_equal(numbers, -_INT32_LIMIT), pc.less(numbers, _INT32_LIMIT))
            for index in pc.indices_nonzero(is_small).to_pylist():
                keeper.keep(Int64(numbers[index].as_py()), index, _ID_PLACE, Reason.RETYPED, Scalar.STRING)
            texts = numbers.cast(pa.string())
            return pc.if_else(is_small, _wrapped("$numberInt", texts), _wrapped("$numberLong", texts))
        case Scalar.UUID:
            start, end = '{"$binary":{"base64":"', '","subType":"04"}}'
            return pc.binary_join_element_wise(start, first_field(array), end, "")
    return pa.array(identity_texts(array.to_pylist()), pa.string())


def _wrapped(name: str, texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(f'{{"{name}":"', texts, '"}', "")
