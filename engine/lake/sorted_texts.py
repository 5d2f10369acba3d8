"""Looks many texts up among sorted ones: only among those that lie between the least and the greatest of them.

Arrow hashes all that it looks up in anew for each part of a table; the parts of a table that grows in the order of its
texts, as ObjectIds and positions do, need a small piece of it each.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import pyarrow as pa
import pyarrow.compute as pc

_MUCH_LONGER = 4
"""How many times as long: below twice it takes longer, for all is looked up twice."""


class SortedTexts:
    """Distinct texts in order."""

    def __init__(self, texts: pa.Array | pa.ChunkedArray) -> None:
        """``texts``: distinct, sorted by their bytes in UTF-8, which is how Arrow and Python sort them."""
        self._texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        self._places = range(len(self._texts))

    def places_of(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Where each of these stands among the sorted ones; null where it does not."""
        near, begin = self._near(texts)
        if not _is_much_longer(near, texts):
            return pc.add(pc.index_in(texts, near), pa.scalar(begin, pa.int32()))
        places = pc.indices_nonzero(pc.is_in(near, texts)).cast(pa.int32())
        found = pc.index_in(texts, near.take(places))
        among_all = pa.chunked_array([places.take(part) for part in found.chunks], pa.int32())
        return pc.add(among_all, pa.scalar(begin, pa.int32()))

    def has(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Whether each of these is among the sorted ones."""
        near = self._near(texts)[0]
        return pc.is_in(texts, near.filter(pc.is_in(near, texts)) if _is_much_longer(near, texts) else near)

    def _near(self, texts: pa.ChunkedArray) -> tuple[pa.Array, int]:
        bounds = pc.min_max(texts)
        if not bounds["min"].is_valid:
            return self._texts.slice(0, 0), 0
        begin = bisect_left(self._places, bounds["min"].as_py(), key=self._text)
        end = bisect_right(self._places, bounds["max"].as_py(), key=self._text)
        return self._texts.slice(begin, end - begin), begin

    def _text(self, place: int) -> str:
        return str(self._texts[place].as_py())


def _is_much_longer(near: pa.Array, texts: pa.ChunkedArray) -> bool:
    return bool(len(near) > _MUCH_LONGER * len(texts))
