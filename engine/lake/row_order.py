"""Rows in the order in which their documents changed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import InternalError

_ORDER = [("_id", "ascending"), ("_position", "ascending")]


def newest_rows(rows: pa.Table) -> pa.Table:
    """One row a document: the one with the greatest ``_position``.

    Raises:
        InternalError: a row has no ``_id``; a MERGE would insert it again and again.
    """
    return in_order(rows, last_only=True)


def in_order(rows: pa.Table, *, last_only: bool = False) -> pa.Table:
    """The rows sorted by document and position, each position once."""
    if rows.column("_id").null_count or rows.column("_position").null_count:
        raise InternalError("a change has no _id or no _position")
    names = ["_id"] if last_only else ["_id", "_position"]
    order = pc.sort_indices(rows.select(["_id", "_position"]), sort_keys=_ORDER)
    keys = rows.select(names).take(order)
    return rows.take(order.filter(pa.array(ends_group(keys))))


def ends_group(keys: pa.Table) -> np.ndarray:
    """True where the next row differs in any column; rows that do not are beside each other."""
    last = np.ones(keys.num_rows, dtype=bool)
    if keys.num_rows > 1:
        last[:-1] = np.logical_or.reduce([_differs(keys.column(name)) for name in keys.column_names])
    return last


def _differs(column: pa.ChunkedArray) -> np.ndarray:
    values = column.combine_chunks()
    return np.asarray(pc.not_equal(values[:-1], values[1:]).to_numpy(zero_copy_only=False))


def row_keys(rows: pa.Table) -> pa.ChunkedArray:
    """One text a row that no other change of any document has."""
    return pc.binary_join_element_wise(rows.column("_position"), rows.column("_id"), "|")
