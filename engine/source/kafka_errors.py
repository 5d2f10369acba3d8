"""What the Kafka client reports, as our errors: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from engine.errors import OplakeError, ResumePointLost, SourceError, SourceUnreachable
from engine.source.kafka_trouble import words

_REFUSED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
    }
)
REACH = (
    "check that the brokers of `bootstrap_servers` run and can be reached from here, and the protocol and credentials "
    "under transport.kafka.client"
)
TRUST = (
    "name the file (PEM) of the authority that signed it in `ssl.ca.location` under transport.kafka.client, and the "
    "brokers in `bootstrap_servers` by names that their certificates have"
)
_OUT_OF_RANGE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
_NO_TOPIC = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})


def _unknown() -> str:
    return ""


@contextmanager
def asking(topic: str, reason: Callable[[], str] = _unknown) -> Iterator[None]:
    """Translate what goes wrong while Kafka is asked about a topic.

    Args:
        reason: why the client gets no answer, as far as it knows.

    Raises:
        SourceUnreachable: no broker answers, or there is no such topic yet.
        SourceError: the brokers refuse.
    """
    try:
        yield
    except KafkaException as error:
        raise kafka_error(error.args[0], topic, reason()) from error


@contextmanager
def connecting(settings: Mapping[str, object]) -> Iterator[None]:
    """Translate that a client cannot be made.

    Raises:
        SourceError: the client does not know a setting, or not such a value of it.
    """
    try:
        yield
    except KafkaException as error:
        raise SourceError(
            f"the Kafka client cannot be set up: {words(error.args[0], settings)}",
            where="transport.kafka.client",
            remedy="its keys are librdkafka's settings, by librdkafka's names",
        ) from None


def kafka_error(error: KafkaError, topic: str, reason: str = "") -> OplakeError:
    """The error that a report of the client stands for."""
    code = error.code()
    if code in _NO_TOPIC:
        return SourceUnreachable(
            "there is no such topic",
            where=f"topic {topic}",
            remedy="`oplake apply` makes it; without that, the connector does when the collection has its first change",
        )
    if code in _REFUSED:
        return SourceError(
            f"Kafka refuses ({error.name()})",
            where=f"topic {topic}",
            remedy="check the credentials of the target, and that they may read the topic and the consumer group",
        )
    return SourceUnreachable(
        f"Kafka does not answer just now ({reason or error.name()})",
        where=f"topic {topic}",
        remedy=REACH,
    )


def untrusted(topic: str, reason: str) -> SourceError:
    """The error that the brokers show certificates of somebody whom the client does not trust."""
    return SourceError(f"the broker's certificate is not trusted ({reason})", where=f"topic {topic}", remedy=TRUST)


def is_out_of_range(error: KafkaError) -> bool:
    """Whether the broker does not hold the offset that was asked for."""
    return error.code() in _OUT_OF_RANGE


def records_gone(topic: str, detail: str) -> ResumePointLost:
    """Records after the committed position are gone from the topic."""
    return ResumePointLost(
        f"the topic no longer holds the records after the table's position ({detail})",
        where=f"topic {topic}",
        remedy="changes are missing for good, so the table has to be read anew: `oplake destroy PIPELINE`, then "
        "`oplake apply` and `oplake run`; give the topic a longer retention, or run more often",
    )
