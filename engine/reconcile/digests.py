"""Documents and rows as pairs of ``_id`` and digest: all that has to be kept of each to compare the whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.decode.document_rows import document_rows
from engine.decode.rules import DecodeRules
from engine.reconcile.fingerprint import DIGEST_BYTES, row_digests
from engine.spec.types import Struct

PAIRS = pa.schema([("id", pa.string()), ("digest", pa.binary(DIGEST_BYTES))])
NO_PAIRS = PAIRS.empty_table()


class Digester:
    """Digests documents as if they were rows of one table."""

    def __init__(self, rules: DecodeRules, columns: Struct, key: bytes) -> None:
        self._rules = rules
        self._columns = columns
        self._key = key

    def documents(self, documents: Sequence[bytes]) -> pa.Table:
        """``PAIRS`` of whole BSON documents, in their order."""
        rows = document_rows(documents, self._columns, self._rules)
        return pairs(rows.table, rows.columns, self._key)


def pairs(rows: pa.Table, columns: Struct, key: bytes) -> pa.Table:
    """``PAIRS`` of rows of a table, in their order."""
    if not rows.num_rows:
        return NO_PAIRS
    return pa.Table.from_arrays([rows.column("_id"), as_column(row_digests(rows, columns, key))], schema=PAIRS)


def as_column(digests: npt.NDArray[np.uint64]) -> pa.Array:
    """Digests, shape (rows, 2), as one column."""
    content = np.ascontiguousarray(digests)
    return pa.Array.from_buffers(pa.binary(DIGEST_BYTES), len(content), [None, pa.py_buffer(content.tobytes())])


def total(digests: pa.ChunkedArray) -> tuple[int, ...]:
    """The sum of digests, whatever their order: the number of rows, then four sums of 32 bits of each."""
    sums = np.zeros(4, dtype=np.uint64)
    for chunk in digests.chunks:
        if len(chunk):
            lanes = np.frombuffer(chunk.buffers()[1], dtype=np.uint32)
            start = chunk.offset * 4
            sums += lanes[start : start + 4 * len(chunk)].reshape(-1, 4).sum(axis=0, dtype=np.uint64)
    return (len(digests), *map(int, sums))
