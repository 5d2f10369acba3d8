"""The bytes of many BSON documents as one buffer, and what stands at many places of it, gathered at once.

Places are int64 indices into the buffer. Behind the last document the buffer goes on with zero bytes: a gather that
starts inside a document, or at its end, never leaves the buffer, whatever lengths the documents claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Places: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]
_MARGIN = 64
"""More than any gather reads, besides a field's name."""


class BsonBytes:
    """Documents, one after the other; all together within the 32 bits of Arrow's offsets."""

    def __init__(self, documents: Sequence[bytes], longest_name: int) -> None:
        """``longest_name``: bytes of the longest field name that anybody will look for."""
        self.content = b"".join([*documents, bytes(longest_name + _MARGIN)])
        self._bytes = np.frombuffer(self.content, np.uint8)
        self.sizes: Places = np.fromiter(map(len, documents), np.int64, len(documents))
        self.ends: Places = np.cumsum(self.sizes)
        self.starts: Places = self.ends - self.sizes
        self.nowhere = len(self.content) - _MARGIN - longest_name
        """A place behind all documents, with nothing but zero bytes."""

    def byte(self, at: Places) -> NDArray[np.uint8]:
        """One byte at each place."""
        return self._bytes[at]

    def words(self, at: Places) -> NDArray[np.uint64]:
        """Eight bytes at each place, the first of them the lowest."""
        return self.fixed(at, 8).view("<u8")

    def lengths(self, at: Places) -> Places:
        """The BSON length (int32, perhaps a negative one) at each place."""
        return self.fixed(at, 4).view("<i4").astype(np.int64)

    def fixed(self, at: Places, size: int) -> NDArray[Any]:
        """``size`` bytes at each place, to be viewed as what they are."""
        windows: NDArray[Any] = np.ndarray(
            (len(self._bytes) - size + 1,), np.dtype((np.void, size)), self._bytes, strides=(1,)
        )
        return windows[at]

    def slices(self, starts: Places, ends: Places) -> pa.Array:
        """The bytes from each start to its end, as a binary array; the slices stand in the buffer in this order.

        Arrow copies them: of an array of the slices and the gaps between them it takes every other one.
        """
        count = len(starts)
        offsets = np.empty(2 * count + 1, np.int32)
        offsets[:-1:2] = starts
        offsets[1::2] = ends
        offsets[-1] = offsets[-2] if count else 0
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(self.content)]
        both = pa.Array.from_buffers(pa.binary(), 2 * count, buffers)
        return both.take(pa.array(np.arange(0, 2 * count, 2, dtype=np.int32)))
