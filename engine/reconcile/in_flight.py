"""Which documents have changed since a table's position: what the table cannot tell yet.

This is how a verdict knows that a table has passed the time of a read, even when nothing happens: it asks the source
itself for all changes after the table's position, up to now. A document that is not among them is told by the table
as it is now, however old that position is (docs/reconciliation.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from contextlib import closing
from typing import Any, Protocol

from pymongo import MongoClient

from engine.errors import ResumePointLost
from engine.reconcile.documents import text_of
from engine.reconcile.table_side import TableSide
from engine.source.batch import Position
from engine.source.change_stream import ChangeStreamSource
from engine.source.stream_position import StreamPosition

_POLL_S = 0.2
_FIRST_ROWS, _MOST_ROWS = 200, 5000
"""Of one poll. Under steady writes a poll ends by this alone, and only then is asked whether all is read: so it is
small at first, and grows with what there is to read."""


class InFlight(Protocol):
    """Changes that a log does not hold yet."""

    def changed_after(self, side: TableSide, ids: Set[str] | None) -> set[str]:
        """Those of these documents (None: of all) with a change, up to now or later, that a table's log does not hold.

        Raises:
            ResumePointLost: the source cannot tell any more.
        """


class StreamInFlight:
    """Asks the collection's change stream, from the position at which the pipeline itself would go on."""

    def __init__(self, client: MongoClient[Any], namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    def changed_after(self, side: TableSide, ids: Set[str] | None) -> set[str]:
        """See ``InFlight``.

        Raises:
            ResumePointLost: the oplog has rolled past the position.
            CollectionGone: the collection was dropped or renamed.
        """
        require_snapshot(side.position, self._namespace)
        return set(touched_since(self._client, self._namespace, side.position, ids))


def require_snapshot(position: Position, namespace: str) -> None:
    """Make sure that the table has begun to follow its collection.

    Raises:
        ResumePointLost: its snapshot is not finished, so nothing can be said of documents that are not there yet.
    """
    if not StreamPosition.of(position).snapshot_done:
        raise ResumePointLost(
            "the table's snapshot is not finished, so what is not in it may be still to come",
            where=namespace,
            remedy="`oplake run --until-caught-up`, then reconcile again",
        )


def touched_since(
    client: MongoClient[Any], namespace: str, position: Position, ids: Set[str] | None = None
) -> Counter[str]:
    """How often documents have changed after a position, up to now; only those of ``ids`` when they are given."""
    found: Counter[str] = Counter()
    with closing(ChangeStreamSource(client, namespace, position)) as source:
        rows = _FIRST_ROWS
        while True:
            batch = source.poll(_POLL_S, rows)
            texts = map(text_of, batch.keys)
            found.update(texts if ids is None else (text for text in texts if text in ids))
            if source.caught_up:
                return found
            rows = min(2 * rows, _MOST_ROWS)
