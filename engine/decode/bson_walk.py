"""Where the values of many documents are: all documents are walked together, one field name after the other.

A document takes part as long as its fields come in the order of the columns and are no others. Where one does not, it
stays behind: at the end its cursor has not reached its end, and its row is one for the slow path. Nothing is believed:
a value lies within its own document, ends as its type demands, and an array's elements are numbered from 0.

BSON specification 1.1: an element is a type byte, its name, a zero byte, the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from bson.errors import InvalidBSON
from numpy.typing import NDArray

from engine.decode.bson_bytes import BsonBytes, Mask, Places
from engine.decode.exact_bson import size_of_value

DOUBLE, STRING, DOCUMENT, ARRAY, BINARY, OBJECT_ID, BOOL, DATE, NULL = 1, 2, 3, 4, 5, 7, 8, 9, 10
INT32, TIMESTAMP, INT64, DECIMAL = 16, 17, 18, 19
_FIXED = {DOUBLE: 8, OBJECT_ID: 12, BOOL: 1, DATE: 8, NULL: 0, INT32: 4, TIMESTAMP: 8, INT64: 8, DECIMAL: 16}
_LENGTHS = {STRING: (1, 4), DOCUMENT: (5, 0), ARRAY: (5, 0), BINARY: (0, 5)}
"""Type -> the least that its length says, and the bytes that are not counted in it."""
_ENDS_IN_ZERO = frozenset({STRING, DOCUMENT, ARRAY})
_WORD = 8
_TYPE = np.uint64(0xFF)
_END = 0
"""Stands where the next element's type would."""
_FEW = 24
"""So few arrays are walked on one by one: a step of all of them together takes as long as this many of one."""
_MOST_ELEMENTS = 1_000_000
"""Of one array; six digits and the type byte still fit into one word."""


@dataclass(slots=True)
class Level:
    """Documents (or arrays) of one depth; one that is missing stands at ``nowhere`` and is empty."""

    at: Places
    """The next element of each."""
    end: Places
    """The zero byte that ends each."""
    row: Places
    """The row of the batch that each belongs to."""

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Values:
    """Values of one field, or the elements of arrays, one after the other as they stand in the buffer."""

    index: Places | None
    """Which document of the level each is of; None: there is one of every document."""
    kind: NDArray[np.uint8]
    """BSON types."""
    at: Places
    end: Places

    def where(self, mask: Mask) -> Values:
        """Some of them."""
        index = np.flatnonzero(mask) if self.index is None else self.index[mask]
        return Values(index, self.kind[mask], self.at[mask], self.end[mask])

    def owners(self) -> Places:
        """``index``, written out."""
        return np.arange(len(self.at)) if self.index is None else self.index


class Walk:
    """One walk over the documents of a buffer; ``left`` says which of them could not be followed."""

    def __init__(self, source: BsonBytes) -> None:
        self.source = source
        self.left: Mask = np.zeros(len(source.sizes), np.bool_)

    def documents(self) -> Level:
        """The documents themselves."""
        source = self.source
        is_whole = source.sizes >= _LENGTHS[DOCUMENT][0]
        is_whole &= source.lengths(source.starts) == source.sizes
        is_whole &= source.byte(np.where(is_whole, source.ends - 1, source.nowhere)) == 0
        self.left |= ~is_whole
        at = np.where(is_whole, source.starts + 4, source.nowhere)
        return Level(at, np.where(is_whole, source.ends - 1, source.nowhere), np.arange(len(at)))

    def inside(self, values: Values, rows: Places) -> Level:
        """The level below: documents or arrays that are values of these rows' documents, of which others stay empty."""
        if values.index is None:
            return Level(values.at + 4, values.end - 1, rows)
        at, end = (np.full(len(rows), self.source.nowhere) for _ in range(2))
        at[values.index], end[values.index] = values.at + 4, values.end - 1
        return Level(at, end, rows)

    def leave(self, rows: Places) -> None:
        """Leave rows to the slow path."""
        self.left[rows] = True

    def fields(self, level: Level, names: Sequence[str]) -> Iterator[tuple[str, Values | None]]:
        """The values of each field in turn, None where no document has it; what is not followed to its end is left."""
        heads = self.source.words(level.at)
        for name in names:
            found = self._field(level, heads, name.encode() + b"\0")
            if found is not None:
                if found.index is None:
                    heads = self.source.words(level.at)
                else:
                    heads[found.index] = self.source.words(level.at[found.index])
            yield name, found
        self._leave_unfinished(level)

    def _field(self, level: Level, heads: NDArray[np.uint64], name: bytes) -> Values | None:
        (want, mask), *others = _words_of(name)
        matches = (heads & mask) == want
        hits = np.count_nonzero(matches)
        if not hits:
            return None
        index = None if hits == len(level) else np.flatnonzero(matches)
        at = level.at if index is None else level.at[index]
        for number, (rest, rest_mask) in enumerate(others, 1):
            same = (self.source.words(at + number * _WORD) & rest_mask) == rest
            if not same.all():
                index = np.flatnonzero(same) if index is None else index[same]
                at = at[same]
        kind = ((heads if index is None else heads[index]) & _TYPE).astype(np.uint8)
        is_element = kind != _END
        if not is_element.all():  # behind the end of a document, the next one's length may look like a name
            index = np.flatnonzero(is_element) if index is None else index[is_element]
            at, kind = at[is_element], kind[is_element]
        return self._values(level, index, kind, at + (1 + len(name)))

    def _values(self, level: Level, index: Places | None, kind: NDArray[np.uint8], at: Places) -> Values:
        """Values that start here, cursors moved behind them; those that cannot be are gone, their documents stuck."""
        limit = level.end if index is None else level.end[index]
        end = self._ends(kind, at, limit)
        if index is None:
            level.at = np.where(end < 0, self.source.nowhere, end)
        else:
            level.at[index] = np.where(end < 0, self.source.nowhere, end)
        values = Values(index, kind, at, end)
        is_whole = end >= 0
        return values if is_whole.all() else values.where(is_whole)

    def _leave_unfinished(self, level: Level) -> None:
        finished = level.at == level.end
        if not finished.all():
            self.leave(level.row[~finished])

    def elements(self, level: Level) -> tuple[Places, Values]:
        """The elements of arrays: offsets, one more than there are arrays, and the elements of all of them."""
        steps: list[tuple[int, Values]] = []
        for number in count():
            active = np.flatnonzero(level.at < level.end)
            if len(active) < _FEW or number == _MOST_ELEMENTS:
                break
            values = self._element(level, active, number)
            steps.append((number, values))
        for one in active.tolist() if number < _MOST_ELEMENTS else []:
            self._walk_one(level, one, number, steps)
        self._leave_unfinished(level)
        return _flattened(len(level), steps)

    def _element(self, level: Level, active: Places, number: int) -> Values:
        name = b"%d\0" % number
        ((want, mask),) = _words_of(name)
        at = level.at[active]
        heads = self.source.words(at)
        same = (heads & mask) == want
        if not same.all():
            level.at[active[~same]] = self.source.nowhere
            active, at, heads = active[same], at[same], heads[same]
        return self._values(level, active, (heads & _TYPE).astype(np.uint8), at + (1 + len(name)))

    def _walk_one(self, level: Level, one: int, number: int, steps: list[tuple[int, Values]]) -> None:
        """Walk one array to its end. What one by one was found is judged as all together."""
        content, at, end = self.source.content, int(level.at[one]), int(level.end[one])
        found: list[tuple[int, int]] = []
        while at < end:
            name = b"%d\0" % (number + len(found))
            start = at + 1 + len(name)
            try:
                size = size_of_value(content[at], content, start)
            except InvalidBSON:
                break
            if content[at + 1 : start] != name:
                break
            found.append((content[at], start))
            at = start + size
        level.at[one] = at if at == end else self.source.nowhere
        if at == end and found:
            kinds, starts = (np.array(column, np.int64) for column in zip(*found, strict=True))
            ends = self._ends(kinds.astype(np.uint8), starts, np.full(len(found), end))
            if (ends < 0).any():
                level.at[one] = self.source.nowhere
                return
            owner = np.full(len(found), one)
            steps.append((number, Values(owner, kinds.astype(np.uint8), starts, ends)))

    def _ends(self, kinds: NDArray[np.uint8], at: Places, limit: Places) -> Places:
        """Where values end that start here; -1 when they cannot be what their type says, or reach over the limit."""
        first = int(kinds[0]) if len(kinds) else NULL
        if (kinds == first).all():
            return self._ends_of(first, at, limit)
        ends = np.empty(len(at), np.int64)
        for kind in np.unique(kinds).tolist():
            mask = kinds == kind
            ends[mask] = self._ends_of(kind, at[mask], limit[mask])
        return ends

    def _ends_of(self, kind: int, at: Places, limit: Places) -> Places:
        if kind in _FIXED:
            ends = at + _FIXED[kind]
            is_whole = ends <= limit
        elif kind in _LENGTHS:
            least, more = _LENGTHS[kind]
            lengths = self.source.lengths(at)
            ends = at + (lengths + more)
            is_whole = (lengths >= least) & (ends <= limit)
            if kind in _ENDS_IN_ZERO:
                last = ends - 1 if is_whole.all() else np.where(is_whole, ends - 1, self.source.nowhere)
                is_whole &= self.source.byte(last) == 0
        else:
            ends = np.array([self._end_of_one(kind, *place) for place in zip(at.tolist(), limit.tolist(), strict=True)])
            is_whole = ends >= 0
        return ends if is_whole.all() else np.where(is_whole, ends, -1)

    def _end_of_one(self, kind: int, at: int, limit: int) -> int:
        try:
            size = size_of_value(kind, self.source.content, at)
        except InvalidBSON:
            return -1
        return at + size if size <= limit - at else -1


def _words_of(name: bytes) -> list[tuple[np.uint64, np.uint64]]:
    """An element's bytes from its type to the zero byte of its name as words, and which of their bytes count."""
    wanted, counted = b"\0" + name, b"\0" + b"\xff" * len(name)
    return [
        (_word(wanted[start : start + _WORD]), _word(counted[start : start + _WORD]))
        for start in range(0, len(wanted), _WORD)
    ]


def _word(content: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(content, "little"))


def _flattened(arrays: int, steps: Sequence[tuple[int, Values]]) -> tuple[Places, Values]:
    """Elements found step by step, in the order in which they stand."""
    counts = np.zeros(arrays, np.int64)
    for number, values in steps:
        owners = values.owners()
        counts[owners] = number + (len(owners) if _is_of_one(owners) else 1)
    offsets = np.concatenate(([0], np.cumsum(counts)))
    total = int(offsets[-1])
    kind, at, end = np.empty(total, np.uint8), np.empty(total, np.int64), np.empty(total, np.int64)
    for number, values in steps:
        owners = values.owners()
        to = offsets[owners] + number
        if _is_of_one(owners):
            to = to + np.arange(len(owners))
        kind[to], at[to], end[to] = values.kind, values.at, values.end
    return offsets, Values(None, kind, at, end)


def _is_of_one(owners: Places) -> bool:
    """Whether these are elements of one array, one after the other; else they are one of each array."""
    return len(owners) > 0 and owners[0] == owners[-1]
