"""What the Kafka client reports, as our errors: what happened, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException

from engine.errors import OplakeError, ResumePointLost, SourceError, SourceUnreachable

_REFUSED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError._SSL,
        KafkaError._INVALID_ARG,
    }
)
_OUT_OF_RANGE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
_NO_TOPIC = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})


@contextmanager
def asking(topic: str) -> Iterator[None]:
    """Translate what goes wrong while Kafka is asked about a topic.

    Raises:
        SourceUnreachable: no broker answers, or there is no such topic yet.
        SourceError: the brokers refuse.
    """
    try:
        yield
    except KafkaException as error:
        raise kafka_error(error.args[0], topic) from error


def kafka_error(error: KafkaError, topic: str) -> OplakeError:
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
        f"Kafka does not answer just now ({error.name()})",
        where=f"topic {topic}",
        remedy="check that the brokers of `bootstrap_servers` run and can be reached from here",
    )


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
