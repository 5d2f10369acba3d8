"""What the brokers say of one topic: which one it is, its partitions, and where they begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from confluent_kafka import IsolationLevel, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from engine.errors import SourceUnreachable
from engine.source.kafka_errors import asking, connecting, untrusted
from engine.source.kafka_trouble import Trouble

TIMEOUT_S = 10.0
_GLANCE_S = 0.2
"""How often is looked, while an answer is waited for, whether none can come."""
_T = TypeVar("_T")
_EARLIEST = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_CONNECTING = ("bootstrap.", "security.", "sasl.", "ssl.", "enable.ssl.", "client.", "socket.", "broker.")
"""Settings of the client that are not about consuming."""
_ID_BITS = (1 << 63) - 1
"""A ``txn`` version is a signed integer of 64 bits; 63 bits of the topic's UUID tell topics apart."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is now."""

    id: int
    """Another one after the topic was deleted and made again."""
    partitions: tuple[int, ...]


class TopicView:
    """Asks the brokers about one topic."""

    def __init__(self, name: str, settings: Mapping[str, str]) -> None:
        """Nothing is asked yet.

        Raises:
            SourceError: the settings make no client.
        """
        self.name = name
        self._chosen = {name: value for name, value in settings.items() if name.startswith(_CONNECTING)}
        self._trouble = Trouble(self._chosen)
        self._admin = self._client()

    def describe(self) -> Topic:
        """The topic.

        Raises:
            SourceUnreachable: no broker answers, or there is no such topic.
            SourceError: the brokers refuse, or their certificates are not trusted.
        """
        with self._asking():
            asked = self._admin.describe_topics(TopicCollection([self.name]), request_timeout=TIMEOUT_S)
            found = self._answer(asked[self.name])
        partitions = sorted(partition.id for partition in found.partitions)
        return Topic(found.topic_id.get_most_significant_bits() & _ID_BITS, tuple(partitions))

    def begins(self, partitions: Iterable[int]) -> dict[int, int]:
        """Partition -> its first offset."""
        return self._offsets(partitions, _EARLIEST)

    def ends(self, partitions: Iterable[int]) -> dict[int, int]:
        """Partition -> its last stable offset: all before it is committed, aborted or a mark of either."""
        return self._offsets(partitions, _LATEST)

    def _offsets(self, partitions: Iterable[int], spec: OffsetSpec) -> dict[int, int]:
        wanted = {TopicPartition(self.name, partition): spec for partition in partitions}
        if not wanted:
            return {}
        with self._asking():
            asked = self._admin.list_offsets(
                wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=TIMEOUT_S
            )
            return {place.partition: self._answer(answer).offset for place, answer in asked.items()}

    def _answer(self, asked: Future[_T]) -> _T:
        """What a question comes to; it ends by itself after ``TIMEOUT_S``.

        Raises:
            SourceError: nobody is left whose certificate is trusted.
        """
        while True:
            try:
                return asked.result(_GLANCE_S)
            except TimeoutError:
                if self._trouble.is_distrust(self._admin):
                    raise untrusted(self.name, self._trouble.of(self._admin)) from None

    def _client(self) -> AdminClient:
        with connecting(self._chosen):
            # A broker that does not answer is told as an error; the client itself would write to stderr.
            return AdminClient({**self._chosen, "log_level": 0}, error_cb=self._trouble.note)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Once there was no answer, the next question is asked by a new client.

        A client that was asking a broker when it died can go without an answer for minutes, although the others
        have taken over and answer everybody else.
        """
        try:
            with asking(self.name, lambda: self._trouble.of(self._admin)):
                yield
        except SourceUnreachable:
            self._trouble.forget(self._admin)
            self._admin = self._client()
            raise
        self._trouble.forget(self._admin)
