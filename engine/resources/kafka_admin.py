"""A Kafka cluster as a plan sees and changes it: topics and their settings, many at a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from engine.errors import TransportError

if TYPE_CHECKING:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    from engine.source.kafka_trouble import Trouble

TIMEOUT_S = 15.0
BATCH = 200
"""Topics asked about in one request."""
REQUESTS = 4
"""Requests under way at the same time."""
_TOPIC_OVERRIDE = 1
"""Kafka's ``DYNAMIC_TOPIC_CONFIG``: set for this very topic, by whoever."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class LiveTopic:
    """A topic as it stands."""

    id: str
    partitions: int
    replicas: int
    config: Mapping[str, str]
    """Every setting with the value it has now."""
    own: frozenset[str]
    """Settings that somebody gave this very topic; the others are the broker's."""


class KafkaAdmin:
    """One cluster; nothing is sent before the first question."""

    def __init__(self, config: Mapping[str, str | int]) -> None:
        self._config: dict[str, str | int | float | bool] = dict(config)

    @cached_property
    def _trouble(self) -> Trouble:
        from engine.source.kafka_trouble import Trouble  # noqa: PLC0415  only targets on Kafka need it

        return Trouble(self._config)

    @cached_property
    def _client(self) -> AdminClient:
        from confluent_kafka import KafkaException  # noqa: PLC0415  as above
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415

        from engine.source.kafka_trouble import words  # noqa: PLC0415

        try:
            return AdminClient(self._config, error_cb=self._trouble.note)
        except KafkaException as error:
            raise TransportError(
                f"the Kafka client cannot be set up: {words(error.args[0], self._config)}",
                where="transport.kafka.client",
                remedy="its keys are librdkafka's settings, by librdkafka's names",
            ) from None

    def brokers(self) -> int:
        """How many brokers there are.

        Raises:
            TransportError: the cluster cannot be reached.
        """
        return len(self._metadata().brokers)

    def topics(self, names: Collection[str]) -> dict[str, LiveTopic]:
        """Those of the topics that exist.

        Raises:
            TransportError: the cluster cannot be reached, or refuses.
        """
        asked = sorted(set(names))
        batches = [asked[start : start + BATCH] for start in range(0, len(asked), BATCH)]
        if not batches:
            return {}
        with ThreadPoolExecutor(REQUESTS) as pool:
            live = {name: topic for batch in pool.map(self._described, batches) for name, topic in batch.items()}
        self._trouble.forget(self._client)
        return live

    def create(self, name: str, partitions: int, replicas: int, config: Mapping[str, str]) -> None:
        """Create a topic.

        Raises:
            TransportError: it exists, or Kafka refuses.
        """
        from confluent_kafka.admin import NewTopic  # noqa: PLC0415  as above

        topic = NewTopic(name, num_partitions=partitions, replication_factor=replicas, config=dict(config))
        self._done(self._client.create_topics([topic])[name], f"topic {name}", "cannot be created")

    def add_partitions(self, name: str, total: int) -> None:
        """Raise the number of partitions.

        Raises:
            TransportError: Kafka refuses.
        """
        from confluent_kafka.admin import NewPartitions  # noqa: PLC0415  as above

        asked = self._client.create_partitions([NewPartitions(name, total)])
        self._done(asked[name], f"topic {name}", "cannot have more partitions")

    def configure(self, name: str, changes: Mapping[str, str | None]) -> None:
        """Set settings of a topic; None gives one back to the broker's default.

        Raises:
            TransportError: Kafka refuses.
        """
        from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType  # noqa: PLC0415

        entries = [
            ConfigEntry(
                setting,
                value,
                incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
            )
            for setting, value in changes.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        self._done(
            self._client.incremental_alter_configs([resource])[resource], f"topic {name}", "cannot be configured"
        )

    def delete(self, name: str) -> None:
        """Delete a topic with its messages.

        Raises:
            TransportError: Kafka refuses.
        """
        self._done(self._client.delete_topics([name])[name], f"topic {name}", "cannot be deleted")
        deadline = time.monotonic() + TIMEOUT_S
        while self._is_there(name):
            if time.monotonic() > deadline:
                raise self._error(f"topic {name} is still there after its deletion")
            time.sleep(0.1)

    def _metadata(self) -> Any:  # noqa: ANN401  confluent_kafka's ClusterMetadata, which it does not export
        from confluent_kafka import KafkaException  # noqa: PLC0415  as above

        try:
            answer = self._client.list_topics(timeout=TIMEOUT_S)
        except KafkaException as error:
            raise self._error("Kafka does not answer", error) from None
        self._trouble.forget(self._client)
        return answer

    def _is_there(self, name: str) -> bool:
        from confluent_kafka import TopicCollection  # noqa: PLC0415  as above

        described = self._client.describe_topics(TopicCollection([name]), request_timeout=TIMEOUT_S)
        return self._known(described[name], name) is not None

    def _described(self, names: list[str]) -> dict[str, LiveTopic]:
        from confluent_kafka import TopicCollection  # noqa: PLC0415  as above
        from confluent_kafka.admin import ConfigResource, ResourceType  # noqa: PLC0415

        described = self._client.describe_topics(TopicCollection(names), request_timeout=TIMEOUT_S)
        resources = {name: ConfigResource(ResourceType.TOPIC, name) for name in names}
        configs = self._client.describe_configs(list(resources.values()), request_timeout=TIMEOUT_S)
        live: dict[str, LiveTopic] = {}
        for name in names:
            topic = self._known(described[name], name)
            entries = self._known(configs[resources[name]], name)
            if topic is None or entries is None:
                continue
            live[name] = LiveTopic(
                id=str(topic.topic_id),
                partitions=len(topic.partitions),
                replicas=len(topic.partitions[0].replicas),
                config={entry.name: entry.value for entry in entries.values()},
                own=frozenset(entry.name for entry in entries.values() if entry.source == _TOPIC_OVERRIDE),
            )
        return live

    def _known(self, future: Future[_T], name: str) -> _T | None:
        """What is told of a topic; None when the broker that was asked has not heard of it yet, or no longer knows it.

        Another one may have named it a moment ago: each learns by itself what was made and deleted.
        """
        from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415  as above

        with suppress(TimeoutError):
            error = future.exception(TIMEOUT_S)
            if isinstance(error, KafkaException):
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    return None
                if error.args[0].code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT):
                    raise self._error("Kafka does not answer", error)
        return self._done(future, f"topic {name}", "cannot be looked at")

    def _done(self, future: Future[_T], where: str, what: str) -> _T:
        from confluent_kafka import KafkaException  # noqa: PLC0415  as above

        try:
            return future.result(TIMEOUT_S)
        except KafkaException as error:
            raise self._error(f"{where} {what}", error) from None
        except TimeoutError:
            raise self._error(f"{where} {what}: no answer within {TIMEOUT_S:.0f} s") from None

    def _error(self, what: str, error: KafkaException | None = None) -> TransportError:
        from engine.source.kafka_errors import REACH, TRUST  # noqa: PLC0415  as above
        from engine.source.kafka_trouble import words  # noqa: PLC0415

        told = self._trouble.of(self._client) or (words(error.args[0], self._config) if error is not None else "")
        return TransportError(
            f"{what}: {told}" if told else what,
            where=f"transport.kafka.bootstrap_servers {self._config['bootstrap.servers']}",
            remedy=TRUST if self._trouble.is_distrust(self._client) else REACH,
        )
