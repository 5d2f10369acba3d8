"""A topic, and messages in it as Debezium writes them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import OFFSET_END, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PATIENCE_S = 60.0
START_S = 1_795_500_000


@dataclass(frozen=True, slots=True)
class Event:
    """One change as a connector tells it; the same event told again is equal in key, value and order."""

    op: str
    id: str
    document: dict[str, Any] | None
    number: int
    """Counts the changes of the collection: the cluster time."""

    @property
    def key(self) -> bytes:
        return json.dumps({"id": json.dumps(self.id)}).encode()

    @property
    def value(self) -> bytes:
        source = {
            "version": "3.6.1.Final",
            "connector": "mongodb",
            "name": "things",
            "ts_ms": (START_S + self.number // 1000) * 1000,
            "snapshot": "true" if self.op == "r" else "false",
            "db": "shop",
            "sequence": None,
            "collection": "things",
            "ord": -1 if self.op == "r" else self.number % 1000 + 1,
            "lsid": None,
            "txnNumber": None,
            "wallTime": None,
        }
        after = None if self.document is None else json.dumps(self.document)
        envelope = {"before": None, "after": after, "updateDescription": None, "source": source, "op": self.op}
        return json.dumps({**envelope, "ts_ms": source["ts_ms"], "transaction": None}).encode()


@dataclass
class Collection:
    """Makes the changes of a collection, and knows what it holds after them."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    number: int = 0

    def put(self, identity: str, **fields: int | str) -> Event:
        op = "u" if identity in self.documents else "c"
        self.documents[identity] = {"_id": identity, **fields}
        return self._event(op, identity, self.documents[identity])

    def delete(self, identity: str) -> Event:
        del self.documents[identity]
        return self._event("d", identity, None)

    def changes(self, count: int, keys: int = 50) -> list[Event]:
        """So many changes of a few documents; every seventh deletes one."""
        events = []
        for _ in range(count):
            identity = f"k{(self.number * 7919) % keys}"
            is_delete = self.number % 7 == 6 and identity in self.documents
            events.append(self.delete(identity) if is_delete else self.put(identity, n=self.number, t="x" * 20))
        return events

    def _event(self, op: str, identity: str, document: dict[str, Any] | None) -> Event:
        self.number += 1
        return Event(op, identity, document, self.number)


class KafkaTopic:
    """One topic of a broker."""

    def __init__(self, bootstrap: str, name: str, partitions: int = 4, *, copies: int = 1, **config: str) -> None:
        self.name = name
        self.partitions = partitions
        self._copies = copies
        self._bootstrap = {"bootstrap.servers": bootstrap}
        self._config = config
        self._admin = AdminClient(self._bootstrap)
        self._producer = Producer({**self._bootstrap, "enable.idempotence": True, "linger.ms": 1})

    def __enter__(self) -> KafkaTopic:
        self.create()
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.delete_topics([self.name])[self.name].result()

    def create(self) -> None:
        made = NewTopic(self.name, self.partitions, self._copies, config=self._config)
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._admin.create_topics([made])[self.name].result()
                break
            except Exception:
                # A topic of this name that was just deleted stands in the way for a moment.
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        while self.name not in self._admin.list_topics(timeout=10).topics:
            time.sleep(0.05)

    def delete(self) -> None:
        self._admin.delete_topics([self.name])[self.name].result()

    def write(
        self, events: Iterable[Event], *, with_tombstones: bool = True, headers: Mapping[str, str] | None = None
    ) -> None:
        """Write them in order; a delete is followed by its tombstone."""
        failures: list[KafkaError] = []

        def note(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error)

        for event in events:
            self._producer.produce(
                self.name, key=event.key, value=event.value, headers=dict(headers or {}), on_delivery=note
            )
            if event.op == "d" and with_tombstones:
                self._producer.produce(self.name, key=event.key, value=None, on_delivery=note)
        assert self._producer.flush(PATIENCE_S) == 0
        assert failures == [], "the broker does not have every message"

    def write_to(self, partition: int, events: Iterable[Event]) -> None:
        """Write them to one partition, without tombstones."""
        for event in events:
            self._producer.produce(self.name, key=event.key, value=event.value, partition=partition)
        assert self._producer.flush(PATIENCE_S) == 0

    def write_raw(self, key: bytes | None, value: bytes | None, partition: int = 0) -> None:
        self._producer.produce(self.name, key=key, value=value, partition=partition)
        self._producer.flush()

    def write_transaction(self, events: Iterable[Event], *, abort: bool = False) -> None:
        """Write them in a transaction, as a connector with exactly-once support does."""
        producer = Producer({**self._bootstrap, "transactional.id": self.name})
        producer.init_transactions(PATIENCE_S)
        producer.begin_transaction()
        for event in events:
            producer.produce(self.name, key=event.key, value=event.value)
        producer.flush()
        if abort:
            producer.abort_transaction()
        else:
            producer.commit_transaction()

    def forget(self) -> None:
        """Delete the records of every partition, as retention does."""
        places = [TopicPartition(self.name, partition, OFFSET_END) for partition in range(self.partitions)]
        for deleted in self._admin.delete_records(places).values():
            deleted.result()
