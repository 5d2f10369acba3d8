"""The kinds of resources that a target can have."""

from __future__ import annotations

from collections.abc import Mapping

from engine.resources.resource import Kind
from engine.resources.table import TableKind
from engine.spec.target import Target


def kinds_of(target: Target, *, reset_offsets: bool = False) -> Mapping[str, Kind]:
    """Name -> kind, in the order in which a pipeline's resources are asked for: what others are made from first.

    Args:
        reset_offsets: whether new connectors may forget what earlier ones of their names had got to.

    Raises:
        UserError: a reference of the target cannot be resolved.
    """
    tables = TableKind(target.lake.storage_options())
    kafka = target.transport.kafka
    if kafka is None:
        return {tables.name: tables}
    from engine.resources.connect_rest import ConnectRest  # noqa: PLC0415  only targets on Kafka need it
    from engine.resources.connector import ConnectorKind  # noqa: PLC0415
    from engine.resources.kafka_admin import KafkaAdmin  # noqa: PLC0415
    from engine.resources.kafka_client import client_config  # noqa: PLC0415
    from engine.resources.topic import TopicKind  # noqa: PLC0415

    topics = TopicKind(KafkaAdmin(client_config(kafka)))
    rest = ConnectRest(kafka.connect_url.resolved())
    connectors = ConnectorKind(target, kafka, rest, reset_offsets=reset_offsets)
    return {kind.name: kind for kind in (topics, tables, connectors)}
