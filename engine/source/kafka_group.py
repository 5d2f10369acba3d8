"""Membership in the consumer group of one table: which partitions are ours, and records from where we say."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from engine.source.kafka_errors import asking, connecting

Settings: TypeAlias = Mapping[str, str]

EXACT: Mapping[str, str | bool] = MappingProxyType(
    {
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "partition.assignment.strategy": "cooperative-sticky",
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "allow.auto.create.topics": False,
    }
)
"""What exactness rests on; no target changes it. ``auto.offset.reset``: a lost offset is an error, never a jump.
``enable.partition.eof``: the end of a partition tells an offset that also counts the marks of transactions, which are
no records."""
TUNED: Mapping[str, str | int] = MappingProxyType(
    {
        "fetch.queue.backoff.ms": 10,
        "queued.min.messages": 200_000,
        "queued.max.messages.kbytes": 65_536,
        "session.timeout.ms": 30_000,
        "heartbeat.interval.ms": 500,
        "max.poll.interval.ms": 900_000,
    }
)
"""``fetch.queue.backoff.ms``: large reads would wait for a second whenever the queue was full.
``heartbeat.interval.ms``: a worker hears with its heartbeat that partitions move, and they stand still until all have.
``max.poll.interval.ms``: a long fold is no dead worker."""

LEAVE_S = 5.0
"""How long a group is asked to let a member go."""

_log = logging.getLogger("oplake.kafka")
_log.addHandler(logging.NullHandler())
_log.propagate = False


class Membership:
    """One consumer in one group; joins when it is made.

    Group offsets are written for whoever watches the lag, and never read: where a partition is read from is
    said by ``rewind`` alone. So a partition that was just assigned is not handed to the client before that: it
    fetches nothing of it, and looks up no place in it. (librdkafka asks again for a place such as the end whose
    answer came too late, and then goes there, whatever it was told meanwhile.)
    """

    def __init__(self, topic: str, group: str, settings: Settings) -> None:
        self.topic = topic
        self.owned: frozenset[int] = frozenset()
        self.is_closed = False
        self.moves = 0
        """How often the group has shared out its partitions. Ours may be the same after it, but the client has put its
        reading off and goes on from a place of its own."""
        self._reading: frozenset[int] = frozenset()
        with connecting(settings):
            self._consumer = Consumer({**TUNED, **settings, **EXACT, "group.id": group, "logger": _log})
        with asking(topic):
            self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def read(self, most: int, timeout_s: float) -> list[Message]:
        """Up to so many records, ends of partitions and errors; waits for all of them or for the timeout.

        Partitions may come and go inside this call: see ``moves``.
        """
        with asking(self.topic):
            return self._consumer.consume(most, max(0.0, timeout_s))

    def rewind(self, offsets: Mapping[int, int]) -> None:
        """Read these partitions, which are all of ours, from these offsets on."""
        with asking(self.topic):
            self._consumer.incremental_unassign(self._places(self._reading))
            self._reading = frozenset()
            self._consumer.incremental_assign(
                [TopicPartition(self.topic, partition, offset) for partition, offset in offsets.items()]
            )
            self._reading = frozenset(offsets)

    def note_offsets(self, offsets: Mapping[int, int]) -> None:
        """Tell the group how far its partitions are read; it does not matter whether that arrives."""
        places = [TopicPartition(self.topic, partition, offset) for partition, offset in offsets.items()]
        if places:
            try:
                self._consumer.commit(offsets=places, asynchronous=True)
            except KafkaException as error:
                if error.args[0].code() not in (KafkaError._STATE, KafkaError._NO_OFFSET):
                    _log.warning("group offsets not written: %s", error.args[0].name())

    def known_ends(self, partitions: Iterable[int]) -> dict[int, int]:
        """Partition -> the offset behind its last record, as the brokers told it with the records; asks nobody."""
        known = {}
        for partition in partitions:
            place = TopicPartition(self.topic, partition)
            with asking(self.topic):
                _, end = self._consumer.get_watermark_offsets(place, cached=True)
            if end >= 0:
                known[partition] = end
        return known

    def close(self) -> None:
        """Leave the group, so that the others get our partitions at once.

        A group whose broker is gone cannot be left: it misses us by itself (``session.timeout.ms``).
        """
        self.is_closed = True
        leaving = threading.Thread(target=self._consumer.close, name="leave group", daemon=True)
        leaving.start()
        leaving.join(LEAVE_S)

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        consumer.incremental_assign([])  # left out, the client would take them all, from the group's offsets
        self.owned |= {place.partition for place in places}
        self.moves += 1

    def _revoked(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        gone = {place.partition for place in places}
        consumer.incremental_unassign(self._places(self._reading & gone))
        self._reading -= gone
        self.owned -= gone
        self.moves += 1

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self.topic, partition) for partition in partitions]
