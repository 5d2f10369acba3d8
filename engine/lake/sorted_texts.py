"""Looks many texts up among sorted ones: only among those that lie between the least and the greatest of them.

Arrow hashes all that it looks up in anew for each part of a table; the parts of a table that grows in the order of its
texts, as ObjectIds and positions do, need a small piece of it each.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import pyarrow as pa
import pyarrow.compute as pc


class SortedTexts:
    """Distinct texts in order."""

    def __init__(self, texts: pa.Array | pa.ChunkedArray) -> None:
        """``texts``: distinct, sorted by their bytes in UTF-8, which is how Arrow and Python sort them."""
        self._texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        self._places = range(len(self._texts))

    def places_of(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Where each of these stands among the sorted ones; null where it does not."""
        near, begin = self._near(texts)
        return pc.add(pc.index_in(texts, near), pa.scalar(begin, pa.int32()))

    def has(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Whether each of these is among the sorted ones."""
        return pc.is_in(texts, self._near(texts)[0])

    def _near(self, texts: pa.ChunkedArray) -> tuple[pa.Array, int]:
        bounds = pc.min_max(texts)
        if not bounds["min"].is_valid:
            return self._texts.slice(0, 0), 0
        begin = bisect_left(self._places, bounds["min"].as_py(), key=self._text)
        end = bisect_right(self._places, bounds["max"].as_py(), key=self._text)
        return self._texts.slice(begin, end - begin), begin

    def _text(self, place: int) -> str:
        return str(self._texts[place].as_py())
