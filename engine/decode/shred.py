"""Documents become columns, whole columns at a time.

The work is done a column at a time because most columns are pure: one look at the set of classes in a column
tells that all of its values are at home, and Arrow builds it in one call. Only a column with strangers in it
is walked value by value. A column that is not in the table yet gets its type from all of its values (see
choose.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from types import NoneType

import pyarrow as pa
from bson import DBRef

from engine.decode.arrow_types import arrow_field, arrow_type
from engine.decode.choose import choose_shape
from engine.decode.column_names import ColumnNames
from engine.decode.field_order import keep_field_order, merged_order
from engine.decode.keeper import Keeper
from engine.decode.partition_values import can_partition
from engine.decode.place import DocumentPlace, DocumentsPlace, FieldPlace, InnerPlace, Place
from engine.decode.rescue import Reason
from engine.decode.scalars import PLAIN_CLASSES, Held, hold, plain_array
from engine.decode.values import BsonValue, Document
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

_NO_DOCUMENT: Document = {}
_ID = "_id"


@dataclass(frozen=True, slots=True)
class Column:
    """One built column and the type it has, new nested fields included."""

    array: pa.Array
    type: ColumnType


def shred(documents: Sequence[Document], columns: Struct, keeper: Keeper) -> dict[str, Column]:
    """Build the columns of whole documents (``_id`` is left to the caller).

    Args:
        documents: decoded documents; an empty dict stands for a row without an image.
        columns: the table's document columns; every one of them is built, in this order, new ones after them.
        keeper: takes what no column can hold, and knows the spec's rules.
    """
    return _Shredder(keeper).fields(documents, columns, DocumentPlace())


class _Shredder:
    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._rules = keeper.rules

    def fields(self, documents: Sequence[Document], known: Struct, place: Place) -> dict[str, Column]:
        shapes = Counter(map(tuple, documents))
        seen = merged_order([shape for shape, _ in shapes.most_common()])
        if place.depth == 0:
            seen.pop(_ID, None)
        values_of = _columns_of(documents, next(iter(shapes))) if len(shapes) == 1 else None
        names = ColumnNames(known.fields, is_top_level=place.depth == 0)
        built: dict[str, Column] = {}
        homeless: dict[str, Reason] = {}
        for name in dict.fromkeys([*known.fields, *seen]):
            if name not in seen:
                built[name] = _absent(known.fields[name], len(documents))
                continue
            if name not in known.fields:
                reason = self._why_no_column(name, names)
                if reason is not None:
                    homeless[name] = reason
                    continue
            values = values_of[name] if values_of else [document.get(name) for document in documents]
            column = self._field(values, documents, known.fields.get(name), FieldPlace(place, name))
            if column is None:
                names.release(name)
            else:
                built[name] = column
        self._keeper.keep_fields(documents, homeless, place)
        keep_field_order(documents, shapes, list(built), place, self._keeper)
        return built

    def _why_no_column(self, name: str, names: ColumnNames) -> Reason | None:
        """Why a new field cannot have a column; claims its name when it can."""
        if not names.claim(name):
            return Reason.NAME
        is_room = self._keeper.has_room() and len(names) <= self._rules.limits.max_columns
        return None if is_room else Reason.LIMIT

    def _field(
        self,
        values: Sequence[BsonValue],
        documents: Sequence[Document],
        known: ColumnType | None,
        place: FieldPlace,
    ) -> Column | None:
        if None in values:
            self._keeper.keep_nulls(values, documents, place)
        return self.build(values, known, place)

    def build(self, values: Sequence[BsonValue], known: ColumnType | None, place: Place) -> Column | None:
        """Build one column; None when it is new and its values show no type, or there is no room for it."""
        kinds = set(map(type, values)) - {NoneType}
        if DBRef in kinds:
            values = [dict(value.as_doc()) if type(value) is DBRef else value for value in values]
            kinds = set(map(type, values)) - {NoneType}
        if known is not None:
            return self._build_as(known, values, kinds, place) if kinds else _absent(known, len(values))
        if not kinds:
            return None
        with self._keeper.attempt() as attempt:
            column = self._build_new(values, kinds, place)
            if column is None:
                attempt.fail()
        if column is None:
            self._keeper.keep_all(values, place, Reason.UNTYPED if self._keeper.has_room() else Reason.LIMIT)
        return column

    def _build_new(self, values: Sequence[BsonValue], kinds: set[type], place: Place) -> Column | None:
        pin = self._rules.pins.get(place.column_path)
        shape = choose_shape(values) if pin is None else pin
        if shape in ("document", "array") and place.depth >= self._rules.limits.max_depth:
            shape = Scalar.JSON
        if isinstance(shape, Scalar) and not self._keeper.claim_column():
            return None
        if shape is None:
            return None
        if shape == "array":
            return self._array(values, kinds, None, place)
        if shape == "document":
            is_map = place.column_path in self._rules.maps
            return self._map(values, kinds, None, place) if is_map else self._document(values, kinds, None, place)
        return self._build_as(shape, values, kinds, place)

    def _build_as(
        self, column: ColumnType, values: Sequence[BsonValue], kinds: set[type], place: Place
    ) -> Column | None:
        match column:
            case Struct():
                return self._document(values, kinds, column, place)
            case ListOf(element):
                return self._array(values, kinds, element, place)
            case MapOf(value):
                return self._map(values, kinds, value, place)
            case scalar:
                return self._scalar(values, kinds, scalar, place)

    def _scalar(self, values: Sequence[BsonValue], kinds: set[type], scalar: Scalar, place: Place) -> Column:
        plain = PLAIN_CLASSES.get(scalar, frozenset())
        is_partition = place.depth == 0 and place.column_path in self._rules.partitions
        if kinds <= plain and not is_partition:
            return Column(plain_array(values, scalar), scalar)
        held_values, at_home = list(values), {NoneType} if is_partition else plain | {NoneType}
        for index, value in enumerate(values):
            if type(value) not in at_home:
                held = hold(value, scalar)
                if is_partition and held.value is not None and not can_partition(held.value, scalar, place.column):
                    held = Held(None, Reason.OUT_OF_RANGE)
                held_values[index] = held.value
                if held.reason is not None:
                    self._keeper.keep(value, index, place, held.reason, scalar)
        return Column(plain_array(held_values, scalar), scalar)

    def _document(
        self, values: Sequence[BsonValue], kinds: set[type], known: Struct | None, place: Place
    ) -> Column | None:
        values = self._evict(values, kinds, dict, known or Struct({}), place)
        absent = [value is None for value in values]
        documents = [_NO_DOCUMENT if value is None else value for value in values]
        fields = self.fields(documents, known or Struct({}), DocumentsPlace(place))
        if not fields:
            return None
        column = Struct({name: field.type for name, field in fields.items()})
        array = pa.StructArray.from_arrays(
            [field.array for field in fields.values()],
            fields=[arrow_field(name, field.type) for name, field in fields.items()],
            mask=pa.array(absent, pa.bool_()),
        )
        return Column(array, column)

    def _array(
        self, values: Sequence[BsonValue], kinds: set[type], element: ColumnType | None, place: Place
    ) -> Column | None:
        values = self._evict(values, kinds, list, ListOf(element or Scalar.JSON), place)
        offsets = _offsets(values)
        flat = list(chain.from_iterable(value for value in values if value))
        inner = self.build(flat, element, InnerPlace(place, offsets[:-1]))
        if inner is None:
            return None
        column = ListOf(inner.type)
        array = pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()),
            inner.array,
            type=arrow_type(column),
            mask=pa.array([value is None for value in values], pa.bool_()),
        )
        return Column(array, column)

    def _map(
        self, values: Sequence[BsonValue], kinds: set[type], value_type: ColumnType | None, place: Place
    ) -> Column | None:
        values = self._evict(values, kinds, dict, MapOf(value_type or Scalar.JSON), place)
        offsets = _offsets(values)
        keys = list(chain.from_iterable(value for value in values if value))
        flat = list(chain.from_iterable(value.values() for value in values if value))
        inner = self.build(flat, value_type, InnerPlace(place, offsets[:-1], keys))
        if inner is None:
            return None
        column = MapOf(inner.type)
        array = pa.MapArray.from_arrays(
            pa.array(offsets, pa.int32()),
            pa.array(keys, pa.string()),
            inner.array,
            type=arrow_type(column),
            mask=pa.array([value is None for value in values], pa.bool_()),
        )
        return Column(array, column)

    def _evict(
        self, values: Sequence[BsonValue], kinds: set[type], wanted: type, column: ColumnType, place: Place
    ) -> Sequence[BsonValue]:
        """Keep the values of other classes beside the column, and leave null in their place."""
        if kinds == {wanted}:
            return values
        for index, value in enumerate(values):
            if value is not None and type(value) is not wanted:
                self._keeper.keep_stranger(value, index, place, column)
        return [value if type(value) is wanted else None for value in values]


def _columns_of(documents: Sequence[Document], shape: Sequence[str]) -> Mapping[str, Sequence[BsonValue]]:
    """Transpose documents that all have the same fields in the same order."""
    return dict(zip(shape, zip(*map(dict.values, documents), strict=True), strict=True))


def _absent(column: ColumnType, rows: int) -> Column:
    return Column(pa.nulls(rows, arrow_type(column)), column)


def _offsets(containers: Sequence[BsonValue]) -> list[int]:
    return list(accumulate((len(value) if value else 0 for value in containers), initial=0))
