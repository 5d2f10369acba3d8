"""An Arrow column as two lanes a row: the canonical form of docs/reconciliation.md, whole columns at a time.

A null adds nothing: so a column that one side does not have equals one that is null in every row, and what lies in the
buffers under a null does not matter. Everything that is there adds something, an empty text, array or document too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.decode.arrow_types import arrow_type
from engine.decode.rescue import join_path
from engine.errors import InternalError, LakeError
from engine.reconcile.lanes import LANES, Lanes, in_order, lane_keys, mixed
from engine.reconcile.text_lanes import text_lanes
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct


class ColumnLanes:
    """Turns columns into lanes under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def fields(self, arrays: Mapping[str, pa.Array], columns: Struct, path: str | None, rows: int) -> Lanes:
        """The sum over all fields of a document or embedded document.

        Raises:
            InternalError: a field is none of ``columns``, and would be left out.
            LakeError: a column is of another type than ``columns`` say.
        """
        unknown = arrays.keys() - columns.fields.keys()
        if unknown:
            raise InternalError(f"columns that nobody compares: {sorted(unknown)}, in {path or 'the document'}")
        total = np.zeros((LANES, rows), np.uint64)
        for name, array in arrays.items():
            if array.null_count < rows:
                total += self.column(array, columns.fields[name], join_path(path, name))
        return total

    def column(self, array: pa.Array, column: ColumnType, path: str) -> Lanes:
        """One column; 0 where it is null."""
        match column:
            case Struct():
                lanes = self._struct(array, column, path)
            case ListOf(element):
                lanes = self._list(_plain_list(array, path), element, path)
            case MapOf(value):
                lanes = self._map(array, value, path)
            case Scalar():
                lanes = self._scalar(_plain_scalar(array, column, path), column, path)
        return _without_nulls(lanes, array)

    def _keys(self, path: str, what: str) -> Lanes:
        return lane_keys(self._key, f"{what} {path}")

    def _struct(self, array: pa.Array, column: Struct, path: str) -> Lanes:
        arrays = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        there = mixed(np.zeros(1, np.uint64), self._keys(path, "document"))
        lanes: Lanes = self.fields(arrays, column, path, len(array)) + there
        return lanes

    def _list(self, array: pa.Array, element: ColumnType, path: str) -> Lanes:
        flat = array.flatten()
        lengths = pc.list_value_length(array).fill_null(0).to_numpy().astype(np.int64)
        return in_order(self.column(flat, element, path), lengths, self._keys(path, "array"))

    def _map(self, array: pa.Array, value: ColumnType, path: str) -> Lanes:
        entries = pa.ListArray.from_arrays(array.offsets, array.values, mask=array.is_null())
        flat = entries.flatten()
        names, values = flat.flatten()
        lanes = self.column(names, Scalar.STRING, f"{path} name") + self.column(values, value, path)
        lengths = pc.list_value_length(entries).fill_null(0).to_numpy().astype(np.int64)
        return in_order(lanes, lengths, self._keys(path, "map"))

    def _scalar(self, array: pa.Array, scalar: Scalar, path: str) -> Lanes:
        keys = self._keys(path, scalar.value)
        if pa.types.is_string(array.type) or pa.types.is_binary(array.type):
            return text_lanes(array, keys)
        if scalar is Scalar.DECIMAL:
            halves = np.frombuffer(array.buffers()[1], "<u8").reshape(-1, 2)[array.offset : array.offset + len(array)]
            low, high = halves[:, 0], halves[:, 1]
            total: Lanes = mixed(low, keys) + mixed(high, ~keys)
            return total
        return mixed(_BITS[scalar](array).to_numpy(zero_copy_only=False).view(np.uint64), keys)


def _without_nulls(lanes: Lanes, array: pa.Array) -> Lanes:
    if array.null_count:
        lanes *= array.is_valid().to_numpy(zero_copy_only=False).astype(np.uint64)
    return lanes


def _plain_list(array: pa.Array, path: str) -> pa.Array:
    if pa.types.is_list(array.type):
        return array
    if pa.types.is_large_list(array.type) or pa.types.is_list_view(array.type):
        return array.cast(pa.list_(array.type.value_field))
    raise _other_type(array, path)


def _plain_scalar(array: pa.Array, scalar: Scalar, path: str) -> pa.Array:
    wanted = arrow_type(scalar)
    if array.type == wanted or (pa.types.is_timestamp(array.type) and pa.types.is_timestamp(wanted)):
        return array if array.type.id == wanted.id else array.cast(wanted)
    is_text = pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type)
    is_bytes = pa.types.is_large_binary(array.type) or pa.types.is_binary_view(array.type)
    if (is_text and pa.types.is_string(wanted)) or (is_bytes and pa.types.is_binary(wanted)):
        return array.cast(wanted)
    raise _other_type(array, path)


def _other_type(array: pa.Array, path: str) -> LakeError:
    return LakeError(
        f"the column {path!r} is of type {array.type}, which is not the type the table's schema tells",
        remedy="restore the table's schema, or recreate the table with `oplake apply --allow-replace`",
    )


def _wide(array: pa.Array) -> pa.Array:
    return _filled(array, 0).cast(pa.int64())


def _instants(array: pa.Array) -> pa.Array:
    return _filled(array.cast(pa.timestamp("us", tz="UTC")).view(pa.int64()), 0)


def _filled(array: pa.Array, value: int | bool) -> pa.Array:
    return array.fill_null(value) if array.null_count else array


_BITS: Mapping[Scalar, Callable[[pa.Array], pa.Array]] = MappingProxyType(
    {
        Scalar.INT32: _wide,
        Scalar.INT64: _wide,
        Scalar.DOUBLE: lambda array: _filled(array.view(pa.int64()), 0),
        Scalar.BOOL: lambda array: _filled(array, False).cast(pa.int8()).cast(pa.int64()),
        Scalar.DATE: _instants,
        Scalar.TIMESTAMP: _instants,
    }
)
"""Scalar -> its bits as int64, 0 for null."""
