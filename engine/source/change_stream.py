"""Reads one collection: a snapshot of what is there, then every change since, without a gap or a double.

The protocol, with the argument why it is exact, is in docs/protocol.md.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any, Literal

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.change_stream import CollectionChangeStream
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from engine.source.batch import Batch, Position
from engine.source.change_event import ChangeEvent, parse_event
from engine.source.cluster_time import SNAPSHOT, STREAM, order_text, pack, unix_seconds, unpack
from engine.source.mongo_errors import reading_from, resume_point_lost
from engine.source.pending import Pending
from engine.source.raw_document import RAW, key_of
from engine.source.resume_token import token_time
from engine.source.snapshot import read_snapshot
from engine.source.stream_position import StreamPosition

Snapshot = Literal["initial", "no_data", "when_needed"]
Capture = Literal["update_full", "post_image"]

AWAIT_MS = 200
"""How long the server holds an empty read open: the latency of a quiet stream, and of a stop."""
_FULL_DOCUMENT = {"update_full": "updateLookup", "post_image": "required"}


class ChangeStreamSource:
    """Snapshot and change stream of one collection, from a committed position on."""

    def __init__(
        self,
        client: MongoClient[Any],
        namespace: str,
        position: Position,
        *,
        snapshot: Snapshot = "initial",
        capture: Capture = "update_full",
        last_snapshot_key: bytes | None = None,
    ) -> None:
        """Nothing is read before the first ``poll``.

        Args:
            client: connected to a replica set or to mongos.
            namespace: ``database.collection``.
            position: as committed with the table; empty for a new table.
            snapshot: whether to begin with what is there. ``when_needed`` is ``initial`` here: a table that has
                missed changes is not read anew without being asked, since rows deleted meanwhile would stay.
            capture: what an update carries.
            last_snapshot_key: ``{"_id": ...}`` as BSON of the last snapshot row that is committed.
        """
        self.namespace = namespace
        database, _, name = namespace.partition(".")
        self._client = client
        self._collection = client[database][name].with_options(RAW, read_concern=ReadConcern("majority"))
        self._capture = capture
        self._position = StreamPosition.of(position)
        self._begin_with_data = snapshot != "no_data"
        self._last_key = last_snapshot_key
        self._documents: Generator[bytes] | None = None
        self._stream: CollectionChangeStream[RawBSONDocument] | None = None
        self._to_skip = 0
        self._seen_until: int | None = None
        self._goal: int | None = None

    def poll(self, timeout_s: float, max_rows: int, max_bytes: int = 32 << 20) -> Batch:
        """The next changes, perhaps none; the batch's position is where to go on after them.

        Args:
            timeout_s: how long to wait for a first change.
            max_rows: at most so many changes.
            max_bytes: stop after the change that reaches it.

        Raises:
            SourceUnreachable: no server answers; open the source again from the committed position.
            ResumePointLost: the oplog has rolled past the position.
            CollectionGone: the collection was dropped or renamed.
            SourceError: the server refuses.
        """
        with reading_from(self.namespace):
            if self._position.snapshot_time is None:
                self._begin()
            pending = Pending(max_rows, max_bytes)
            if self._position.snapshot_done:
                self._read_stream(pending, time.monotonic() + timeout_s)
            else:
                self._read_documents(pending)
            return pending.batch(self._position.as_position())

    @property
    def caught_up(self) -> bool:
        """Whether all that had happened when this was first asked has been read."""
        if self._goal is None:
            with reading_from(self.namespace):
                self._goal = self._now()
        return self._seen_until is not None and self._seen_until >= self._goal

    @property
    def lag_seconds(self) -> float | None:
        """How far what was read is behind the clock; None while the snapshot is read."""
        return None if self._seen_until is None else max(0.0, time.time() - unix_seconds(self._seen_until))

    def close(self) -> None:
        """Give the server its cursors back."""
        if self._stream is not None:
            self._stream.close()
        if self._documents is not None:
            self._documents.close()
        self._stream = self._documents = None

    def _begin(self) -> None:
        """Fix the time the snapshot starts from, and make sure that a change stream can be had from there."""
        now = self._now()
        self._position = StreamPosition(snapshot_time=now, snapshot_done=not self._begin_with_data)
        with self._watch(now + 1) as stream:
            stream.try_next()
        if not self._begin_with_data:
            self._position = replace(self._position, stream_time=now + 1)

    def _read_documents(self, pending: Pending) -> None:
        if self._documents is None:
            self._documents = self._open_snapshot()
        position = self._position
        start = position.snapshot_time or 0
        rows = position.snapshot_rows
        for document in self._documents:
            order = order_text(start, SNAPSHOT, rows)
            pending.add("r", order, unix_seconds(start) * 1_000_000, key_of(document), document)
            rows += 1
            if pending.is_full:
                break
        else:
            self._documents = None
            position = replace(position, snapshot_done=True, stream_time=start + 1)
        self._position = replace(position, snapshot_rows=rows)

    def _open_snapshot(self) -> Generator[bytes]:
        """Documents not older than the snapshot's time, after those that are committed."""
        after = self._last_key if self._position.snapshot_rows else None
        with self._client.start_session(causal_consistency=True) as session:
            session.advance_operation_time(unpack(self._position.snapshot_time or 0))
            with reading_from(self.namespace):
                yield from read_snapshot(self._collection, session, after)

    def _read_stream(self, pending: Pending, deadline: float) -> None:
        stream = self._stream = self._stream or self._open_stream(self._position.stream_time or 0)
        while not pending.is_full:
            event = stream.try_next()
            if event is None:
                self._advance_idle(stream)
                if pending or time.monotonic() >= deadline:
                    return
                continue
            change = parse_event(event, self.namespace)
            if change is not None:
                self._take(change, pending)

    def _open_stream(self, start: int) -> CollectionChangeStream[RawBSONDocument]:
        """A stream from a packed cluster time on; checked after it is open, so that nothing is lost in between."""
        stream = self._watch(start)
        self._to_skip = self._position.stream_index
        oldest = self._oldest_oplog_time()
        if oldest is not None and oldest > start:
            at, first = unpack(start).as_datetime(), unpack(oldest).as_datetime()
            detail = f"the position is {at:%Y-%m-%d %H:%M:%S} UTC, the oplog begins {first:%Y-%m-%d %H:%M:%S} UTC"
            stream.close()
            raise resume_point_lost(self.namespace, detail)
        return stream

    def _take(self, change: ChangeEvent, pending: Pending) -> None:
        """Add a change, unless it is one of those of the resumed cluster time that are applied already."""
        position = self._position
        self._seen_until = max(self._seen_until or 0, change.time - 1)
        if self._to_skip and change.time == position.stream_time:
            self._to_skip -= 1
            return
        self._to_skip = 0
        number = position.stream_index if change.time == position.stream_time else 0
        order = order_text(change.time, STREAM, number)
        pending.add(change.operation, order, change.source_time_us, change.key, change.document)
        self._position = replace(position, stream_time=change.time, stream_index=number + 1)

    def _advance_idle(self, stream: CollectionChangeStream[RawBSONDocument]) -> None:
        """Nothing older than the server's token is still to come, so an idle table need not stand still."""
        looked_until = token_time(stream.resume_token)
        if looked_until is None:
            return
        packed = pack(looked_until)
        self._seen_until = max(self._seen_until or 0, packed)
        if packed > (self._position.stream_time or 0):
            self._to_skip = 0
            self._position = replace(self._position, stream_time=packed, stream_index=0)

    def _watch(self, start: int) -> CollectionChangeStream[RawBSONDocument]:
        return self._collection.watch(
            full_document=_FULL_DOCUMENT[self._capture],
            start_at_operation_time=unpack(start),
            max_await_time_ms=AWAIT_MS,
        )

    def _now(self) -> int:
        """The newest cluster time."""
        with self._client.start_session(causal_consistency=True) as session:
            self._client.admin.command("ping", session=session)
            now = session.operation_time
        if now is None:
            raise OperationFailure("the server tells no operation time", 40573)
        return pack(now)

    def _oldest_oplog_time(self) -> int | None:
        """The first time the oplog holds; None when this user may not read it (then the server has to tell)."""
        try:
            first = self._client.local["oplog.rs"].find_one({}, {"ts": 1}, sort=[("$natural", 1)])
        except OperationFailure:
            return None
        return None if first is None else pack(first["ts"])
