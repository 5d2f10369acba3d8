"""Opens the source of a table where its log says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from pymongo import MongoClient

from engine.decode.rebuild import rebuild_key
from engine.errors import InternalError
from engine.lake.change_log import ChangeLog
from engine.runtime.jobs import TableJob
from engine.source.batch import Position
from engine.source.change_stream import ChangeStreamSource
from engine.source.cluster_time import SNAPSHOT, order_text
from engine.source.probe import collections, connect
from engine.source.source import Source
from engine.source.stream_position import StreamPosition
from engine.spec.kafka_names import topic_name
from engine.spec.pipeline import GLOB_CHARACTERS, Pipeline
from engine.spec.target import Target

if TYPE_CHECKING:
    from engine.source.kafka import KafkaFeed


class Feed(Protocol):
    """What outlives the sources of a table: a connection, or the membership in a consumer group."""

    def open(self, log: ChangeLog) -> Source:
        """The source of the table, at the position its log was opened with."""

    def close(self) -> None:
        """Leave: the table is not read any more."""


class Clients:
    """One client a target, shared by the threads of a process."""

    def __init__(self) -> None:
        self._clients: dict[str, MongoClient[Any]] = {}

    def of(self, target: Target) -> MongoClient[Any]:
        """The client of a target.

        Raises:
            SourceError: its connection string is wrong.
        """
        if target.target not in self._clients:
            self._clients[target.target] = connect(target.mongodb.uri.reveal())
        return self._clients[target.target]

    def namespaces(self, target: Target, pipeline: Pipeline) -> Iterable[str]:
        """The collections that a pipeline's names and globs stand for; only for globs is MongoDB asked."""
        names = pipeline.source.collections
        if not any(mark in name for name in names for mark in GLOB_CHARACTERS):
            return sorted(set(names))
        return collections(self.of(target), names)

    def feed(self, job: TableJob) -> Feed:
        """What a table is read through, as its target's transport says."""
        if job.target.transport.kafka is not None:
            return TopicFeed(job)
        return StreamFeed(job, self.of(job.target))

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()


class StreamFeed:
    """Reads the collection itself."""

    def __init__(self, job: TableJob, client: MongoClient[Any]) -> None:
        self._job = job
        self._client = client

    def open(self, log: ChangeLog) -> Source:
        """Snapshot and change stream from the log's position on."""
        settings = self._job.pipeline.source
        return ChangeStreamSource(
            self._client,
            self._job.namespace,
            log.position(),
            snapshot=settings.snapshot,
            capture=settings.capture,
            last_snapshot_key=_last_snapshot_key(log),
        )

    def close(self) -> None:
        """Nothing: the client is shared."""


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
    from engine.source.plain_changes import parser  # noqa: PLC0415

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
        parse=parser(job.namespace),
        begin_with_data=job.pipeline.source.snapshot != "no_data",
    )


def _last_snapshot_key(log: ChangeLog) -> bytes | None:
    """The ``_id`` of the last snapshot row that is committed, while the snapshot is not complete."""
    position = StreamPosition.of(log.position())
    if position.snapshot_time is None or position.snapshot_done or not position.snapshot_rows:
        return None
    row = log.key_at(order_text(position.snapshot_time, SNAPSHOT, position.snapshot_rows - 1))
    return None if row is None else rebuild_key(row)
