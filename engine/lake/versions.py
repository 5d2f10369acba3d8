"""From the changes of documents to their versions: when each began to hold and when it ceased to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.decode.system_columns import ID, INSTANT, POSITION

EVENTS = pa.schema([ID, POSITION, ("rank", pa.int8()), ("is_delete", pa.bool_()), ("at", INSTANT)])
"""One row an event; ``rank`` orders events of the same position."""
VALIDITY = pa.schema([("_valid_from", INSTANT), ("_valid_to", INSTANT), ("_is_current", pa.bool_())])
VERSIONS = pa.schema([ID, POSITION, *VALIDITY])
_ORDER = [("_id", "ascending"), ("_position", "ascending"), ("rank", "ascending")]

_Flags = npt.NDArray[np.bool_]
_Times = npt.NDArray[np.int64]


def versions(events: pa.Table) -> pa.Table:
    """One row (``VERSIONS``) for each event that is no delete, ordered by document and position.

    A version holds from its own event to the next one's. Order is by position alone: where a clock ran
    backwards, a version begins when its predecessor began, so that the intervals of a document never
    overlap and every instant has at most one version. A delete of a document that is not there says nothing.
    """
    ordered = events.take(pc.sort_indices(events, sort_keys=_ORDER))
    starts, is_delete = _starts(ordered), _flags(ordered.column("is_delete"))
    after_delete = np.append(True, is_delete[:-1]) | starts if len(starts) else starts
    ordered = ordered.filter(pa.array(~(is_delete & after_delete)))
    starts, is_delete = _starts(ordered), _flags(ordered.column("is_delete"))
    at = _never_backwards(ordered.column("at").cast(pa.int64()).to_numpy(), starts)
    is_last = np.append(starts[1:], True) if len(starts) else starts
    chained = pa.table(
        [
            ordered.column("_id"),
            ordered.column("_position"),
            pa.array(at).cast(INSTANT),
            pa.array(np.append(at[1:], 0)[: len(at)], mask=is_last).cast(INSTANT),
            pa.array(is_last),
        ],
        schema=VERSIONS,
    )
    return chained.filter(pa.array(~is_delete))


def _starts(ordered: pa.Table) -> _Flags:
    """True where a document's first event stands."""
    starts = np.ones(ordered.num_rows, dtype=bool)
    if len(starts) > 1:
        ids = ordered.column("_id").combine_chunks()
        starts[1:] = _flags(pc.not_equal(ids[1:], ids[:-1]))
    return starts


def _never_backwards(times: _Times, starts: _Flags) -> _Times:
    """The greatest time so far within each document, by doubling the reach (log n passes)."""
    group = np.cumsum(starts)
    highest = times.copy()
    reach = 1
    while reach < len(highest) and _goes_back(highest, starts):
        same = group[reach:] == group[:-reach]
        highest[reach:] = np.where(same, np.maximum(highest[reach:], highest[:-reach]), highest[reach:])
        reach *= 2
    return highest


def _goes_back(times: _Times, starts: _Flags) -> bool:
    return bool(np.any((times[1:] < times[:-1]) & ~starts[1:]))


def _flags(column: pa.Array | pa.ChunkedArray) -> _Flags:
    return np.asarray(
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    ).astype(bool)
