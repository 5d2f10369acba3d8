"""Digests of rows, and of any number of rows together: the canonical form is in docs/reconciliation.md.

Equal digests mean the same ``_id``, the same value in each column and the same ``_rescued``, and these tell the
document byte for byte (docs/types.md). Unequal ones need not mean another document: one document may be told by
columns and notes in more than one way. So an unequal digest makes a candidate, which ``differences`` judges.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.decode.system_columns import ID, RESCUED, RESERVED_NAMES
from engine.reconcile.column_lanes import ColumnLanes
from engine.reconcile.lanes import LANES, lane_keys, mixed
from engine.spec.types import Scalar, Struct

CANONICAL_FORM = 1
"""Another number with each change of the canonical form, or of what decoding puts in columns."""
KEY_BYTES = 32
DIGEST_BYTES = 16
_PIECE_BYTES = 1 << 21
"""Rows that are mixed at a time: few enough to stay in the processor's caches."""
_PIECE_ROWS = 16_384
_SYSTEM = Struct({ID.name: Scalar.STRING, RESCUED.name: Scalar.STRING})
_LANE_LIMIT = 1 << 64


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Any number of rows, in any order. Two that were made under one key can be added."""

    rows: int = 0
    first: int = 0
    """Sum of the digests' first lane, modulo 2^64."""
    second: int = 0

    def __add__(self, other: Fingerprint) -> Fingerprint:
        """Of the rows of both."""
        return Fingerprint(
            self.rows + other.rows,
            (self.first + other.first) % _LANE_LIMIT,
            (self.second + other.second) % _LANE_LIMIT,
        )


def new_key() -> bytes:
    """A key that nobody could have prepared rows for. All that is compared has to be made under the same one."""
    return secrets.token_bytes(KEY_BYTES)


def fingerprint(table: pa.Table, columns: Struct, key: bytes) -> Fingerprint:
    """The fingerprint of all rows; arguments and errors as for ``row_digests``."""
    first, second = row_digests(table, columns, key).sum(axis=0, dtype=np.uint64)
    return Fingerprint(table.num_rows, int(first), int(second))


def row_digests(table: pa.Table, columns: Struct, key: bytes) -> npt.NDArray[np.uint64]:
    """A digest of 128 bits for each row, shape (rows, 2).

    Args:
        table: rows of any of the three tables, or freshly decoded ones. ``_id`` and ``_rescued`` are part of the
            digest, other columns of oplake's own (time, position) are not. A column that is missing equals nulls.
        columns: the document columns, the same for both sides.
        key: at most 64 bytes; digests compare only when they were made under the same one.

    Raises:
        InternalError: the table has a document column that is not among ``columns``.
        LakeError: a column is of another type than ``columns`` say.
    """
    own = [name for name in table.column_names if name.lower() not in RESERVED_NAMES]
    chosen = table.select([*own, *_SYSTEM.fields])
    lanes, row_keys = ColumnLanes(key), lane_keys(key, "row")
    digests = np.empty((table.num_rows, LANES), np.uint64)
    at = 0
    for piece in chosen.to_batches(max_chunksize=_rows_at_a_time(chosen)):
        arrays = dict(zip(piece.schema.names, piece.columns, strict=True))
        total = lanes.fields({name: arrays[name] for name in own}, columns, None, len(piece))
        total += lanes.fields({name: arrays[name] for name in _SYSTEM.fields}, _SYSTEM, None, len(piece))
        digests[at : at + len(piece)] = mixed(total, row_keys).T
        at += len(piece)
    return digests


def _rows_at_a_time(table: pa.Table) -> int:
    row_bytes = table.nbytes // max(table.num_rows, 1) + 1
    return int(min(max(_PIECE_BYTES // row_bytes, 64), _PIECE_ROWS))
