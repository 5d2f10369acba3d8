"""Opens the source of a table where its log says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bson
from pymongo import MongoClient

from engine.decode.identity import identity_value
from engine.lake.change_log import ChangeLog
from engine.runtime.jobs import TableJob
from engine.source.change_stream import ChangeStreamSource
from engine.source.cluster_time import SNAPSHOT, order_text
from engine.source.probe import collections, connect
from engine.source.stream_position import StreamPosition
from engine.spec.pipeline import Pipeline
from engine.spec.target import Target


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
        """The collections that a pipeline's names and globs stand for."""
        return collections(self.of(target), pipeline.source.collections)

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()


def open_source(job: TableJob, client: MongoClient[Any], log: ChangeLog) -> ChangeStreamSource:
    """The source of a table, at the position its log was opened with."""
    settings = job.pipeline.source
    return ChangeStreamSource(
        client,
        job.namespace,
        log.position(),
        snapshot=settings.snapshot,
        capture=settings.capture,
        last_snapshot_key=_last_snapshot_key(log),
    )


def _last_snapshot_key(log: ChangeLog) -> bytes | None:
    """The ``_id`` of the last snapshot row that is committed, while the snapshot is not complete."""
    position = StreamPosition.of(log.position())
    if position.snapshot_time is None or position.snapshot_done or not position.snapshot_rows:
        return None
    text = log.key_at(order_text(position.snapshot_time, SNAPSHOT, position.snapshot_rows - 1))
    return None if text is None else bson.encode({"_id": identity_value(text)})
