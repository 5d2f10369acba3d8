"""The kinds of resources that a target can have."""

from __future__ import annotations

from collections.abc import Mapping

from engine.resources.resource import Kind
from engine.resources.table import TableKind
from engine.spec.target import Target


def kinds_of(target: Target) -> Mapping[str, Kind]:
    """Name -> kind, in the order in which a pipeline's resources are asked for: what others are made from first.

    Raises:
        UserError: a reference of the target cannot be resolved.
    """
    tables = TableKind(target.lake.storage_options())
    kafka = target.transport.kafka
    if kafka is None:
        return {tables.name: tables}
    from engine.resources.kafka_admin import KafkaAdmin  # noqa: PLC0415  only targets on Kafka need it
    from engine.resources.topic import TopicKind  # noqa: PLC0415

    topics = TopicKind(KafkaAdmin(kafka.bootstrap_servers.resolved()))
    return {kind.name: kind for kind in (topics, tables)}
