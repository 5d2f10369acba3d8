"""Reads one collection: a snapshot of what is there, then every change since, without a gap or a double.

The protocol, with the argument why it is exact, is in docs/protocol.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Literal

from pymongo import MongoClient
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from engine.errors import OplakeError, SourceError
from engine.source.batch import Batch, Position
from engine.source.change_event import ChangeEvent, parse_event
from engine.source.cluster_time import SNAPSHOT, STREAM, order_text, pack, unix_seconds, unpack
from engine.source.milestone import Milestones
from engine.source.mongo_errors import NO_REPLICA_SET, reading_from, resume_point_lost
from engine.source.pending import Pending
from engine.source.raw_document import RAW, key_of
from engine.source.snapshot import read_snapshot
from engine.source.stream_position import StreamPosition
from engine.source.tail import Capture, Tail

Snapshot = Literal["initial", "no_data", "when_needed"]

OPLOG_EVERY_S = 600.0
"""How often a stream asks how old the oplog is."""
PROVE_EVERY_S = 10.0
"""How often a snapshot makes sure that the changes since its start are still there."""


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
        prove: Callable[[], None] = lambda: None,
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
            prove: called before each poll; raises when the client is not to be used any more.
        """
        self.namespace = namespace
        database, _, name = namespace.partition(".")
        self._client = client
        self._collection = client[database][name].with_options(RAW, read_concern=ReadConcern("majority"))
        self._capture: Capture = capture
        self._position = StreamPosition.of(position)
        self._begin_with_data = snapshot != "no_data"
        self._last_key = last_snapshot_key
        self._prove = prove
        self._tail: Tail | None = None
        self._documents: Generator[bytes] | None = None
        self._to_skip = 0
        self._ending: OplakeError | None = None
        self._proven_at = 0.0
        self._milestones = Milestones(self._now)
        self._seen_at: float | None = None
        self._goal: int | None = None
        self._oplog_began: float | None = None
        self._oplog_asked_at = -math.inf

    def poll(self, timeout_s: float, max_rows: int, max_bytes: int = 32 << 20) -> Batch:
        """The next changes, perhaps none; the batch's position is where to go on after them.

        After an error the source stands where it stood before, and may be polled again.

        Args:
            timeout_s: how long to wait for a first change.
            max_rows: at most so many changes.
            max_bytes: stop after the change that reaches it.

        Raises:
            SourceUnreachable: no server answers just now; nothing is lost.
            ResumePointLost: the oplog has rolled past the position.
            CollectionGone: the collection was dropped or renamed; all changes before that were given.
            SourceError: the server refuses.
            CredentialsChanged: the client's credentials were replaced.
        """
        self._prove()
        before = self._position
        pending = Pending(max_rows, max_bytes)
        try:
            with reading_from(self.namespace):
                self._poll(pending, time.monotonic() + timeout_s)
        except OplakeError as error:
            self._position = before
            self.close()
            if isinstance(error, SourceError):
                self._prove()  # a user whose time is over is no fault of the target
            raise
        if pending and not self._position.snapshot_done:
            self._last_key = pending.last_key
        return pending.batch(self._position.as_position())

    is_shared = False
    may_fold = True
    is_assigned = True

    @property
    def position(self) -> Position:
        """Where it stands now."""
        return self._position.as_position()

    def acknowledge(self, position: Position) -> None:
        """Nothing: the server keeps no account of its readers."""

    @property
    def caught_up(self) -> bool:
        """Whether all that had happened when this was first asked, after the snapshot, has been read."""
        tail = self._tail
        if tail is None or not self._position.snapshot_done:
            return False
        is_timed = tail.looked_until is not None
        if self._goal is None:
            with reading_from(self.namespace):
                self._goal = self._goal_in_time() if is_timed else tail.mark_at()
        reached = tail.looked_until if is_timed else tail.mark
        if self._goal is None or reached is None:
            return tail.is_idle  # the server does not tell how far it has looked
        return reached >= self._goal

    @property
    def own_part_read(self) -> bool:
        """Nobody shares the collection: only ``caught_up`` tells."""
        return False

    @property
    def lag_seconds(self) -> float | None:
        """How far what was read is behind the clock; None while the snapshot is read."""
        return None if self._seen_at is None else max(0.0, time.time() - self._seen_at)

    @property
    def lag_events(self) -> Mapping[int, int]:
        """Unknown: a change stream does not tell how much is to come."""
        return {}

    @property
    def oplog_window_s(self) -> float | None:
        """Age of the oplog's oldest entry, as it was when this last asked; None where it may not be read."""
        return None if self._oplog_began is None else max(0.0, time.time() - self._oplog_began)

    def close(self) -> None:
        """Give the server its cursors back. A later ``poll`` opens them again."""
        if self._tail is not None:
            self._tail.close()
        if self._documents is not None:
            self._documents.close()
        self._tail = self._documents = None

    def _poll(self, pending: Pending, deadline: float) -> None:
        if self._ending is not None:
            raise self._ending
        tail = self._tail = self._tail or self._open_tail()
        if self._position.snapshot_done:
            self._read_stream(tail, pending, deadline)
            tail.prove()
            self._look_at_oplog(tail)
            return
        self._read_documents(pending)
        if time.monotonic() - self._proven_at >= PROVE_EVERY_S:
            tail.prove_start()
            self._proven_at = time.monotonic()
        self._look_at_oplog(tail)

    def _open_tail(self) -> Tail:
        """The stream is open before the snapshot begins, and stays so: what happens meanwhile waits in it."""
        start = self._position.resume_time
        if start is None:
            now = self._now()
            tail = Tail(self._collection, self._capture, now)
            stream_time = None if self._begin_with_data else now
            self._position = StreamPosition(now, 0, not self._begin_with_data, stream_time)
            return tail
        self._to_skip = self._position.stream_index
        tail = Tail(self._collection, self._capture, start)
        with ExitStack() as when_lost:
            when_lost.callback(tail.close)
            self._note_oplog(tail.require_start())
            when_lost.pop_all()
        return tail

    def _look_at_oplog(self, tail: Tail) -> None:
        if time.monotonic() - self._oplog_asked_at >= OPLOG_EVERY_S:
            self._note_oplog(tail.oldest_in_oplog())

    def _note_oplog(self, oldest: int | None) -> None:
        self._oplog_asked_at = time.monotonic()
        self._oplog_began = None if oldest is None else unix_seconds(oldest)

    def _read_documents(self, pending: Pending) -> None:
        if self._documents is None:
            self._documents = self._open_snapshot()
        position = self._position
        start = position.snapshot_time or 0
        time_us = unix_seconds(start) * 1_000_000
        rows = position.snapshot_rows
        for document in self._documents:
            pending.add("r", order_text(start, SNAPSHOT, rows), time_us, key_of(document), document)
            rows += 1
            if pending.is_full:
                break
        else:
            self._documents = None
            position = replace(position, snapshot_done=True, stream_time=start)
        self._position = replace(position, snapshot_rows=rows)

    def _open_snapshot(self) -> Generator[bytes]:
        """Documents not older than the snapshot's time, after those that are committed."""
        after = self._last_key if self._position.snapshot_rows else None
        if after is None and self._position.snapshot_rows:
            raise resume_point_lost(self.namespace, "the last row of the unfinished snapshot is not in the log")
        with self._client.start_session(causal_consistency=True) as session:
            session.advance_operation_time(unpack(self._position.snapshot_time or 0))
            yield from read_snapshot(self._collection, session, after)

    def _read_stream(self, tail: Tail, pending: Pending, deadline: float) -> None:
        while not pending.is_full:
            event = tail.read()
            if event is None:
                self._advance_idle(tail)
                if pending or time.monotonic() >= deadline:
                    return
                continue
            try:
                change = parse_event(event, self.namespace)
            except OplakeError as ending:
                self._ending = ending
                if pending:
                    return  # what happened before it is still to be kept
                raise
            if change is not None:
                self._take(change, pending)

    def _take(self, change: ChangeEvent, pending: Pending) -> None:
        """Add a change, unless the table has it: in the snapshot, or applied already at the time resumed from."""
        position = self._position
        self._seen_at = unix_seconds(change.time)
        if change.time <= (position.snapshot_time or 0):
            return
        if self._to_skip and change.time == position.stream_time:
            self._to_skip -= 1
            return
        self._to_skip = 0
        number = position.stream_index if change.time == position.stream_time else 0
        order = order_text(change.time, STREAM, number)
        pending.add(change.operation, order, change.source_time_us, change.key, change.document)
        self._position = replace(position, stream_time=change.time, stream_index=number + 1)

    def _advance_idle(self, tail: Tail) -> None:
        """Nothing older than what the server has looked at is still to come: an idle table need not stand still."""
        self._seen_at = time.time()
        looked_until = tail.looked_until or self._milestones.passed(tail)
        if looked_until is not None and looked_until > (self._position.stream_time or 0):
            self._to_skip = 0
            self._position = replace(self._position, stream_time=looked_until, stream_index=0)

    def _goal_in_time(self) -> int:
        """The newest time; behind mongos each shard may have a change at it, so only a later one tells of all."""
        return self._now() + (1 if self._client.is_mongos else 0)

    def _now(self) -> int:
        """The newest cluster time."""
        with self._client.start_session(causal_consistency=True) as session:
            self._client.admin.command("ping", session=session)
            now = session.operation_time
        if now is None:
            raise OperationFailure("the server tells no operation time", NO_REPLICA_SET)
        return pack(now)
