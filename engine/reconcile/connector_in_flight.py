"""What a table on Kafka cannot tell yet: changes in its topic, and changes that Debezium has not written there.

Connect's offsets say up to which cluster time everything has been written; what the topic holds behind the table's
offsets is read; and what happened since that time is asked of the collection's change stream (docs/reconciliation.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from typing import Any

from bson import Timestamp
from pymongo import MongoClient

from engine.errors import InternalError, ResumePointLost
from engine.reconcile.in_flight import touched_since
from engine.reconcile.table_side import TableSide
from engine.reconcile.topic_tail import told_after
from engine.resources.connect_rest import ConnectRest
from engine.runtime.jobs import TableJob
from engine.source.cluster_time import STREAM, order_text, pack
from engine.source.debezium import parse_message
from engine.spec.kafka_names import connector_name, topic_name


class ConnectorInFlight:
    """Changes between the collection and the log of a table that is fed by a Debezium connector."""

    def __init__(self, job: TableJob, client: MongoClient[Any]) -> None:
        self._job = job
        self._client = client
        if job.target.transport.kafka is None:
            raise InternalError("no Kafka in the target", where=job.target.target)
        self._kafka = job.target.transport.kafka
        self._connector = connector_name(job.target, job.pipeline)

    def changed_after(self, side: TableSide, ids: Set[str] | None) -> set[str]:
        """See ``InFlight``.

        Raises:
            ResumePointLost: the connector has stored nothing yet, or is still copying; or the oplog has rolled past it.
            TransportError: Connect cannot be reached.
            SourceUnreachable: Kafka or MongoDB does not answer.
        """
        written = self._written_until()
        waiting = told_after(
            topic_name(self._job.target, self._job.pipeline, self._job.namespace),
            self._settings(),
            side.position,
            ids,
            lambda key, value: parse_message(key, value, self._job.namespace),
        )
        position = {"snapshot.done": 1, "snapshot.rows": 0, "snapshot.time": written - 1, "stream.time": written}
        happened = touched_since(self._client, self._job.namespace, position, ids)
        logged = side.changes_since(order_text(written, STREAM, 0), happened.keys())
        return waiting | set((happened - Counter(logged)).keys())

    def _written_until(self) -> int:
        """A packed cluster time: all changes before it are in the topic. At the beginning of its second, since
        connectors may tell the rest of a time in another form."""
        offsets = [
            found.get("offset") or {}
            for found in ConnectRest(self._kafka.connect_url.resolved()).offsets(self._connector)
        ]
        if not offsets or any(_is_copying(offset) for offset in offsets):
            raise ResumePointLost(
                "the connector has not finished its snapshot, so what is not in the table may be still to come",
                where=f"connector {self._connector}",
                remedy="`oplake status` shows how far it is; reconcile when it streams",
            )
        return min(pack(Timestamp(int(offset["sec"]), 0)) for offset in offsets)

    def _settings(self) -> dict[str, str]:
        return {
            **{name: secret.reveal() for name, secret in self._kafka.client.items()},
            "bootstrap.servers": self._kafka.bootstrap_servers.resolved(),
        }


def _is_copying(offset: Mapping[str, Any]) -> bool:
    return "sec" not in offset or bool(offset.get("initsync")) or str(offset.get("snapshot")).lower() == "true"
