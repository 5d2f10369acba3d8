"""The change stream of one collection: opened, read in replies that fit, and proven to have no hole.

MongoDB itself refuses to go on from a point that its oplog no longer holds. Not every server with its protocol does:
some begin with the oldest change they have, without a word. A tail does not rely on being told.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Literal, TypeAlias

from bson.raw_bson import RawBSONDocument
from pymongo.change_stream import CollectionChangeStream
from pymongo.collection import Collection
from pymongo.errors import OperationFailure, ProtocolError

from engine.source.cluster_time import pack, unpack
from engine.source.mongo_errors import EVENT_TOO_LARGE, resume_point_lost
from engine.source.resume_token import is_of_mongodb, resumable, sequence_of, time_of

Capture = Literal["update_full", "post_image"]
_Event: TypeAlias = RawBSONDocument
_Stream: TypeAlias = CollectionChangeStream[_Event]

AWAIT_MS = 200
"""How long the server holds an empty read open: the latency of a quiet stream, and of a stop."""
FULL_DOCUMENT: Mapping[Capture, str] = {"update_full": "updateLookup", "post_image": "required"}
_WITHOUT_DESCRIPTION = {"$project": {"updateDescription": 0}}


class Tail:
    """An open change stream. Errors of the driver pass through; the caller translates them."""

    def __init__(self, collection: Collection[_Event], capture: Capture, start: int) -> None:
        """Open the stream and make a first read.

        Args:
            collection: its codec decides how dates and documents arrive.
            capture: what an update carries.
            start: packed cluster time of the first change wanted, inclusive.
        """
        self.is_idle = False
        """Whether the last read was empty."""
        self._collection = collection
        self._capture = capture
        self._start = start
        self._pipeline: list[dict[str, Any]] = []
        self._batch_size: int | None = None
        self._stream = self._open()
        with ExitStack() as when_refused:
            when_refused.callback(self.close)
            self._ahead = self._try_next()
            when_refused.pop_all()
        self._proven = self._resumable_token()

    def read(self) -> _Event | None:
        """The next event; None after nothing came for ``AWAIT_MS``."""
        event, self._ahead = self._ahead, None
        if event is None:
            event = self._try_next()
        self.is_idle = event is None
        return event

    @property
    def looked_until(self) -> int | None:
        """The packed time before which nothing is still to come; None when the server does not tell."""
        time = time_of(self._stream.resume_token)
        return None if time is None else self._all_read(pack(time))

    @property
    def mark(self) -> int | None:
        """All changes up to this number, in the server's own count, were read; None when it has no such count."""
        sequence = sequence_of(self._stream.resume_token)
        return None if sequence is None else self._all_read(sequence)

    def mark_at(self, start: int | None = None) -> int | None:
        """A number that all changes before a packed cluster time do not exceed; None: before now."""
        time = None if start is None else unpack(start)
        with self._collection.watch(start_at_operation_time=time, max_await_time_ms=1) as stream:
            stream.try_next()
            return sequence_of(stream.resume_token)

    def require_start(self) -> int | None:
        """Make sure that the stream began where it should.

        A server may begin with the oldest change it has. The first read is over: an oplog that still holds the
        start now held it then. Where this user may not read the oplog, the server has to tell.

        Returns:
            The packed time of the oplog's oldest entry.

        Raises:
            ResumePointLost: the oplog begins after the start.
        """
        oldest = self.oldest_in_oplog()
        if oldest is not None and oldest > self._start:
            at, first = unpack(self._start).as_datetime(), unpack(oldest).as_datetime()
            raise resume_point_lost(
                self._collection.full_name,
                f"the position is {at:%Y-%m-%d %H:%M:%S} UTC, the oplog begins {first:%Y-%m-%d %H:%M:%S} UTC",
            )
        return oldest

    def prove(self) -> None:
        """Make sure that what was read since the last proof has no hole.

        A server that can still go on from where that proof was made has, since then, lost nothing after it.

        Raises:
            OperationFailure: it cannot (``reading_from`` makes a ResumePointLost of it).
        """
        token = self._resumable_token()
        if token != self._proven and not is_of_mongodb(token):
            self.prove_start()
        self._proven = token

    def prove_start(self) -> None:
        """Make sure that the server can still go on from the last proof, whatever server it is.

        Raises:
            OperationFailure: it cannot (``reading_from`` makes a ResumePointLost of it).
        """
        if self._proven is not None:
            self._collection.watch(resume_after=self._proven, batch_size=1).close()

    def close(self) -> None:
        """Give the server its cursor back."""
        self._stream.close()

    def _open(self, after: Mapping[str, Any] | None = None) -> _Stream:
        try:
            return self._watch(after)
        except (OperationFailure, ProtocolError) as error:
            if not self._ask_for_less(error):
                raise
            return self._open(after)

    def _watch(self, after: Mapping[str, Any] | None) -> _Stream:
        return self._collection.watch(
            self._pipeline,
            full_document=FULL_DOCUMENT[self._capture],
            start_at_operation_time=unpack(self._start) if after is None else None,
            resume_after=after,
            max_await_time_ms=AWAIT_MS,
            batch_size=self._batch_size,
        )

    def _try_next(self) -> _Event | None:
        try:
            event = self._stream.try_next()
        except (OperationFailure, ProtocolError) as error:
            if not self._ask_for_less(error):
                raise
            self._reopen()
            return self._try_next()
        if event is None and self._batch_size is not None:
            self._batch_size = None
            self._reopen()
        return event

    def _resumable_token(self) -> Mapping[str, Any] | None:
        return resumable(self._stream.resume_token, self._collection.full_name)

    def _reopen(self) -> None:
        """Go on behind the last event, with what is asked for now."""
        self._stream.close()
        self._stream = self._open(after=self._resumable_token())

    def _ask_for_less(self, error: OperationFailure | ProtocolError) -> bool:
        """After a reply that was too large; False when it was not that, or there is no less to ask for."""
        if isinstance(error, ProtocolError):
            # Some servers do not cut a reply at what one message may hold: one event at a time, until it is quiet.
            is_less = self._batch_size is None
            self._batch_size = 1
            return is_less
        if error.code != EVENT_TOO_LARGE or self._pipeline:
            return False
        # The document is in the event already; what changed in it may be as large again, and nobody reads it.
        self._pipeline = [_WITHOUT_DESCRIPTION]
        return True

    def _all_read(self, told: int) -> int:
        """Changes of a transaction share their time: only an empty read tells that all of them were read."""
        return told if self.is_idle else told - 1

    def oldest_in_oplog(self) -> int | None:
        """The packed time of its oldest entry; None where this user may not read it, or there is none."""
        oplog = self._collection.database.client.local["oplog.rs"]
        try:
            first = oplog.find_one({}, {"ts": 1}, sort=[("$natural", 1)])
        except OperationFailure:
            return None
        return None if first is None else pack(first["ts"])
