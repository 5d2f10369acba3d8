"""The digest of a row: the same whenever two rows tell the same document."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.decode.rebuild import rebuild_bytes
from engine.spec.types import Struct

DIGEST_BYTES = 16


def row_digests(table: pa.Table, columns: Struct) -> npt.NDArray[np.uint64]:
    """A digest of 128 bits for each row of any table that has the document's columns: shape (rows, 2)."""
    parts = [
        hashlib.blake2b(rebuild_bytes(row, columns), digest_size=DIGEST_BYTES).digest() for row in table.to_pylist()
    ]
    return np.frombuffer(b"".join(parts), dtype=np.uint64).reshape(-1, 2)
