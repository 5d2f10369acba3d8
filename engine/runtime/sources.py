"""Opens the source of a table where its log says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from engine.decode.rebuild import rebuild_key
from engine.errors import CredentialsChanged, InternalError
from engine.lake.change_log import ChangeLog
from engine.runtime.jobs import TableJob
from engine.source.batch import Position
from engine.source.cluster_time import SNAPSHOT, order_text
from engine.source.source import Source
from engine.source.stream_position import StreamPosition
from engine.spec.kafka_names import topic_name
from engine.spec.pipeline import GLOB_CHARACTERS, Pipeline
from engine.spec.target import Target

if TYPE_CHECKING:
    from pymongo import MongoClient

    from engine.source.kafka import KafkaFeed


class Feed(Protocol):
    """What outlives the sources of a table: a connection, or the membership in a consumer group."""

    def open(self, log: ChangeLog) -> Source:
        """The source of the table, at the position its log was opened with."""

    def close(self) -> None:
        """Leave: the table is not read any more."""


@dataclass(slots=True)
class Connected:
    """A client, and what it was made of."""

    client: MongoClient[Any]
    uri: str = field(repr=False)
    changes: int
    readers: int = 0
    is_retired: bool = False


class Clients:
    """One client a target, shared by the threads of a process, and replaced when Vault changes the credentials."""

    def __init__(self) -> None:
        self._connected: dict[str, Connected] = {}
        self._lock = threading.Lock()

    def of(self, target: Target) -> MongoClient[Any]:
        """The client of a target, as its credentials are now.

        Raises:
            SourceError: its connection string is wrong.
            SecretsUnreachable, SecretsError: Vault does not answer, or refuses.
        """
        return self._current(target).client

    def is_current(self, target: Target, taken: Connected) -> bool:
        """Whether the credentials are still those that a client was made with.

        Raises:
            SecretsUnreachable, SecretsError: they have ended, and Vault gives no others.
        """
        template = target.mongodb.uri.template
        if taken.is_retired:
            return False
        is_over = template.ends_at is not None and time.monotonic() >= template.ends_at
        if template.changes == taken.changes and not is_over:
            return True
        changes = template.changes
        if target.mongodb.uri.reveal() != taken.uri:
            return False
        taken.changes = changes
        return True

    def take(self, target: Target) -> Connected:
        """The client of a target, to be given back."""
        connected = self._current(target)
        with self._lock:
            connected.readers += 1
        return connected

    def give_back(self, taken: Connected) -> None:
        """A client whose credentials were replaced is closed when the last who reads with it has let it go."""
        with self._lock:
            taken.readers -= 1
            is_over = taken.is_retired and taken.readers <= 0
        if is_over:
            taken.client.close()

    def namespaces(self, target: Target, pipeline: Pipeline) -> Iterable[str]:
        """The collections that a pipeline's names and globs stand for; only for globs is MongoDB asked."""
        names = pipeline.source.collections
        if not any(mark in name for name in names for mark in GLOB_CHARACTERS):
            return sorted(set(names))
        from engine.source.probe import collections  # noqa: PLC0415  MongoDB's client is slow to load, Kafka needs none

        return collections(self.of(target), names)

    def feed(self, job: TableJob) -> Feed:
        """What a table is read through, as its target's transport says."""
        if job.target.transport.kafka is not None:
            return TopicFeed(job)
        self.of(job.target)  # what is wrong with it is told before anything runs
        return StreamFeed(job, self)

    def close(self) -> None:
        """Close all connections."""
        for connected in self._connected.values():
            connected.client.close()

    def _current(self, target: Target) -> Connected:
        uri = target.mongodb.uri
        known = self._connected.get(target.target)
        if known is not None and self.is_current(target, known):
            return known
        from engine.source.probe import connect  # noqa: PLC0415

        with self._lock:
            known = self._connected.get(target.target)
            changes, text = uri.template.changes, uri.reveal()
            if known is None or known.uri != text:
                if known is not None:
                    known.is_retired = True
                known = self._connected[target.target] = Connected(connect(text), text, changes)
            return known


class StreamFeed:
    """Reads the collection itself."""

    def __init__(self, job: TableJob, clients: Clients) -> None:
        self._job = job
        self._clients = clients
        self._taken: Connected | None = None

    def open(self, log: ChangeLog) -> Source:
        """Snapshot and change stream from the log's position on."""
        from engine.source.change_stream import ChangeStreamSource  # noqa: PLC0415

        settings = self._job.pipeline.source
        taken = self._clients.take(self._job.target)
        self.close()
        self._taken = taken
        return ChangeStreamSource(
            taken.client,
            self._job.namespace,
            log.position(),
            snapshot=settings.snapshot,
            capture=settings.capture,
            last_snapshot_key=_last_snapshot_key(log),
            prove=lambda: self._prove(taken),
        )

    def close(self) -> None:
        """Let the client go; others may read with it."""
        if self._taken is not None:
            self._clients.give_back(self._taken)
        self._taken = None

    def _prove(self, taken: Connected) -> None:
        """The credentials are those of now.

        Raises:
            CredentialsChanged: they are not: the source has to be opened anew, at the committed position.
        """
        if not self._clients.is_current(self._job.target, taken):
            raise CredentialsChanged("Vault has changed the credentials of MongoDB", where=self._job.namespace)


class TopicFeed:
    """Reads the topic that Debezium writes, as a member of the table's consumer group."""

    def __init__(self, job: TableJob) -> None:
        self._job = job
        self._feed = _kafka_feed(job)

    def open(self, log: ChangeLog) -> Source:
        """The partitions that are ours, from the log's position on."""
        return self._feed.open(log.position(), self._read_committed)

    def close(self) -> None:
        """Leave the group."""
        self._feed.close()

    def _read_committed(self) -> Position:
        return ChangeLog.open(self._job.paths.changes, self._job.target.lake.storage_options()).position()


def topic_of(job: TableJob) -> str:
    """The topic of a table's collection."""
    return topic_name(job.target, job.pipeline, job.namespace)


def _kafka_feed(job: TableJob) -> KafkaFeed:
    from engine.source.kafka import KafkaFeed  # noqa: PLC0415  only this transport needs Kafka's client
    from engine.source.plain_changes import Messages  # noqa: PLC0415

    kafka = job.target.transport.kafka
    if kafka is None:
        raise InternalError("no Kafka in the target", where=job.target.target)
    return KafkaFeed(
        topic_of(job),
        group=f"oplake.{job.target.target}.{job.table}",
        settings={
            **{name: secret.reveal() for name, secret in kafka.client.items()},
            "bootstrap.servers": kafka.bootstrap_servers.resolved(),
        },
        messages=Messages(job.namespace),
        begin_with_data=job.pipeline.source.snapshot != "no_data",
    )


def _last_snapshot_key(log: ChangeLog) -> bytes | None:
    """The ``_id`` of the last snapshot row that is committed, while the snapshot is not complete."""
    position = StreamPosition.of(log.position())
    if position.snapshot_time is None or position.snapshot_done or not position.snapshot_rows:
        return None
    row = log.key_at(order_text(position.snapshot_time, SNAPSHOT, position.snapshot_rows - 1))
    return None if row is None else rebuild_key(row)
