"""Scalar columns, and the ``_id`` column, of raw documents: most values at once, the odd ones one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from bson import DBRef

from engine.decode.arrow_types import arrow_type
from engine.decode.bson_bytes import Mask, Places
from engine.decode.bson_identities import READ_IDENTITIES
from engine.decode.bson_scalars import BSON_SCALARS, ReadValues
from engine.decode.bson_strangers import decode_values
from engine.decode.bson_walk import NULL, Values, Walk
from engine.decode.identity import identity_text, tells_all
from engine.decode.keeper import Keeper
from engine.decode.partition_values import can_partition
from engine.decode.place import DocumentPlace, FieldPlace, Place
from engine.decode.rescue import Reason
from engine.decode.rules import DecodeRules
from engine.decode.scalars import Held, hold, plain_array
from engine.decode.values import BsonValue
from engine.spec.types import Scalar

ID = "_id"
_ID_PLACE = FieldPlace(DocumentPlace(), ID)
_ALWAYS_PARTITION = frozenset({Scalar.INT32, Scalar.INT64, Scalar.BOOL, Scalar.DATE, Scalar.TIMESTAMP})
"""All of their values can partition a table."""
Note: TypeAlias = Callable[[Keeper], None]
_Part: TypeAlias = tuple[pa.Array, Values]


class Leaves:
    """Reads leaf columns of one walk, and collects what is to be noted."""

    def __init__(self, walk: Walk, rules: DecodeRules) -> None:
        self.notes: list[tuple[int, Note]] = []
        """Row -> a call that notes something, if the row turns out to be read to its end."""
        self._walk = walk
        self._rules = rules

    def note(self, rows: Places, index: int, note: Note) -> None:
        """Note something about the value at an index of a column whose entries are of these rows."""
        self.notes.append((int(rows[index]), note))

    def column(self, values: Values, rows: Places, scalar: Scalar, place: Place) -> pa.Array:
        """A scalar column: one entry for each of ``rows``."""
        known = BSON_SCALARS.get(scalar)
        is_partition = place.depth == 0 and place.column_path in self._rules.partitions
        is_known = known is not None and (not is_partition or scalar in _ALWAYS_PARTITION)
        read = known.read if known and is_known else None
        mask = values.kind == known.kind if known and is_known else np.zeros(len(values.at), np.bool_)
        parts, others = self._parts(values, mask, read, rows)
        strangers = others.where(others.kind != NULL)
        if len(strangers.at):
            held = [
                self._held(value, index, rows, scalar, place, is_partition=is_partition)
                for index, value in self.decoded(strangers, rows)
            ]
            parts.append((plain_array(held, scalar), strangers))
        return _arranged(parts, len(rows), arrow_type(scalar))

    def identities(self, values: Values | None, rows: Places) -> pa.Array:
        """The texts of the ids of whole documents; those without one are left."""
        if values is None or len(values.at) < len(rows):
            is_there = np.zeros(len(rows), np.bool_)
            is_there[values.owners() if values else []] = True
            self._walk.leave(rows[~is_there])
        if values is None or not len(values.at):
            return pa.nulls(len(rows), pa.string())
        kind = int(values.kind[0])
        read = READ_IDENTITIES.get(kind)
        mask = (values.kind == kind) if read else np.zeros(len(values.at), np.bool_)
        parts, strangers = self._parts(values, mask, read, rows)
        if len(strangers.at):
            texts = [self._identity(value, index, rows) for index, value in self.decoded(strangers, rows)]
            parts.append((pa.array(texts, pa.string()), strangers))
        return _arranged(parts, len(rows), pa.string())

    def decoded(self, values: Values, rows: Places) -> Iterator[tuple[int, BsonValue]]:
        """Index in the column and value, one by one; where none can stand for it exactly, its row is left."""
        owners = values.owners()
        found, broken = decode_values(self._walk.source, values)
        self._walk.leave(rows[owners[broken]])
        for index, value in zip(owners.tolist(), found, strict=True):
            yield index, dict(value.as_doc()) if type(value) is DBRef else value

    def _parts(self, values: Values, mask: Mask, read: ReadValues | None, rows: Places) -> tuple[list[_Part], Values]:
        """What could be read at once, and the other values."""
        home = values if mask.all() else values.where(mask)
        if read is None or not len(home.at):
            return [], values
        reading = read(self._walk.source, home.at, home.end)
        if reading.broken is not None:
            self._walk.leave(rows[home.owners()[reading.broken]])
        if reading.odd is None or not reading.odd.any():
            return [(reading.array, home)], values.where(~mask)
        is_good = ~reading.odd
        mask[np.flatnonzero(mask)[reading.odd]] = False
        return [(reading.array.filter(pa.array(is_good)), home.where(is_good))], values.where(~mask)

    def _held(
        self, value: BsonValue, index: int, rows: Places, scalar: Scalar, place: Place, *, is_partition: bool
    ) -> Any:  # noqa: ANN401 - whatever Arrow is given
        held = Held(None) if value is None else hold(value, scalar)
        if is_partition and held.value is not None and not can_partition(held.value, scalar, place.column):
            held = Held(None, Reason.OUT_OF_RANGE)
        if held.reason is not None:
            keep = partial(Keeper.keep, value=value, index=index, place=place, reason=held.reason, column=scalar)
            self.note(rows, index, keep)
        return held.value

    def _identity(self, value: BsonValue, index: int, rows: Places) -> str:
        if not tells_all(value):
            keep = partial(
                Keeper.keep, value=value, index=index, place=_ID_PLACE, reason=Reason.RETYPED, column=Scalar.STRING
            )
            self.note(rows, index, keep)
        return identity_text(value)


def _arranged(parts: list[_Part], size: int, data_type: pa.DataType) -> pa.Array:
    """One column of so many entries; null where no part has one."""
    if len(parts) == 1 and parts[0][1].index is None:
        return parts[0][0]
    if not parts:
        return pa.nulls(size, data_type)
    at = np.full(size, -1)
    start = 0
    for array, values in parts:
        at[values.owners()] = np.arange(start, start + len(array))
        start += len(array)
    whole = parts[0][0] if len(parts) == 1 else pa.concat_arrays([array for array, _ in parts])
    return whole.take(pa.array(at, mask=at < 0))
