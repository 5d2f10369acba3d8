"""What a step of changes does to a current table: which rows it loses, and which changes become rows of it.

Only documents and positions are read for that, of the changes and of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.decode.system_columns import ID, OPERATION, POSITION
from engine.lake.log_events import deletes_after
from engine.lake.row_order import ends_group, in_order, newest_rows, row_keys
from engine.lake.sorted_texts import SortedTexts
from engine.lake.table_parts import table_parts

KEYS = ("_id", "_position", "_op")
_KEY = pa.schema([ID, POSITION])
_NO_KEYS = pa.schema([ID, POSITION, OPERATION]).empty_table()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The changes of a step by document and position, each once, and what becomes of them: a mask for each."""

    keys: pa.Table
    """``KEYS`` of the changes."""
    num_read: int
    """Rows of the log; more than there are changes when it has some of them twice."""
    is_write: np.ndarray
    """Becomes a row: the newest change of its document that no row and no later delete outdoes."""
    is_delete: np.ndarray
    """Takes a row away: the newest change of its document, outdone by none, of a document that the table has."""
    is_stored: np.ndarray
    """The newest change of a document that the table has a row of."""

    @property
    def _has_repeats(self) -> bool:
        return bool(self.num_read > self.keys.num_rows)

    @property
    def removed(self) -> pa.ChunkedArray:
        """``_id`` of the rows that the table loses, to newer ones or for good; sorted."""
        return self.keys.column("_id").filter(pa.array((self.is_write & self.is_stored) | self.is_delete))

    @property
    def counts(self) -> tuple[int, int, int]:
        """Rows that are new, replaced by newer ones, and gone for good."""
        updated = int((self.is_write & self.is_stored).sum())
        return int(self.is_write.sum()) - updated, updated, int(self.is_delete.sum())

    def chosen(self, parts: Iterable[pa.Table], mask: np.ndarray) -> Iterator[pa.Table]:
        """Those rows of the step that are the changes of a mask, each once however often the log has it.

        Two rows of one document and position are one change: they say the same.

        Args:
            parts: the rows of the step, as many as the keys came from, with ``_id`` and ``_position``.
        """
        if not mask.any():
            return
        if self._has_repeats:
            yield from self._each_once(parts, mask)
            return
        # Mostly few, and so looked up faster than those that are wanted.
        others = self._sorted_keys(~mask)
        for part in parts:
            is_other = others.has(row_keys(part))
            yield part.filter(pc.invert(is_other)) if pc.any(is_other).as_py() else part

    def _each_once(self, parts: Iterable[pa.Table], mask: np.ndarray) -> Iterator[pa.Table]:
        wanted = self._sorted_keys(mask)
        is_left = np.ones(int(mask.sum()), dtype=bool)
        for part in parts:
            places = wanted.places_of(row_keys(part))
            rows = pc.indices_nonzero(pc.is_valid(places)).to_numpy()
            found, first = np.unique(pc.drop_null(places).to_numpy(), return_index=True)
            rows = np.sort(rows[first[is_left[found]]])
            is_left[found] = False
            yield part.take(pa.array(rows))

    def _sorted_keys(self, mask: np.ndarray) -> SortedTexts:
        keys = row_keys(self.keys.filter(pa.array(mask)))
        return SortedTexts(keys.take(pc.sort_indices(keys)))


def outcome_of(keys: Iterable[pa.Table], table: DeltaTable, log: DeltaTable, *, rewrite: bool) -> Outcome:
    """Compare a step's changes with the table and with the deletes that the log knows.

    Args:
        keys: ``KEYS`` of the changes, part by part, in any order, more than one a document.
        rewrite: a row that has the change's own position is written again.

    Raises:
        LakeError: the table or the log cannot be read.
    """
    ordered, read = _in_order(keys)
    is_newest = ends_group(ordered.select(["_id"]))
    newest = ordered.filter(pa.array(is_newest))
    is_stored, is_outdone = _compared(newest, table, rewrite=rewrite)
    is_delete = np.asarray(pc.equal(newest.column("_op"), "d"))
    counts = ~is_outdone & ~_is_deleted_later(newest, log)

    def of_all(mask: np.ndarray) -> np.ndarray:
        all_of_them = np.zeros(ordered.num_rows, dtype=bool)
        all_of_them[np.flatnonzero(is_newest)[mask]] = True
        return all_of_them

    return Outcome(
        ordered,
        read,
        of_all(counts & ~is_delete),
        of_all(counts & is_delete & is_stored),
        of_all(is_stored),
    )


def _in_order(parts: Iterable[pa.Table]) -> tuple[pa.Table, int]:
    rows = pa.concat_tables([_NO_KEYS, *parts])
    return in_order(rows), rows.num_rows


def _is_deleted_later(newest: pa.Table, log: DeltaTable) -> np.ndarray:
    """Of each change whether the log knows a later delete of its document: it must not rise again.

    Such a delete may have been folded long ago, when it found nothing to delete or took an older row.
    """
    nothing = np.zeros(newest.num_rows, dtype=bool)
    is_write = pc.not_equal(newest.column("_op"), "d")
    earliest = pc.min(newest.column("_position").filter(is_write)).as_py()
    if earliest is None:
        return nothing
    deletes = deletes_after(log, newest.column("_id").filter(is_write), earliest)
    if not deletes.num_rows:
        return nothing
    last = newest_rows(deletes)
    deleted_at = last.column("_position").take(pc.index_in(newest.column("_id"), last.column("_id")))
    return np.asarray(pc.fill_null(pc.greater(deleted_at, newest.column("_position")), fill_value=False))


def _compared(newest: pa.Table, table: DeltaTable, *, rewrite: bool) -> tuple[np.ndarray, np.ndarray]:
    """Of each change, whether the table has its document, and whether in a row that is as new.

    Args:
        newest: one change a document, sorted.
    """
    is_stored, is_outdone = np.zeros((2, newest.num_rows), dtype=bool)
    outdoes = pc.greater if rewrite else pc.greater_equal
    ids = SortedTexts(newest.column("_id"))
    for part in table_parts(table, _KEY) if newest.num_rows else ():
        found = ids.places_of(part.column("_id"))
        stored, places = part.filter(pc.is_valid(found)), pc.drop_null(found)
        is_newer = outdoes(stored.column("_position"), newest.column("_position").take(places))
        is_stored[places.to_numpy()] = True
        is_outdone[places.filter(is_newer).to_numpy()] = True
    return is_stored, is_outdone
