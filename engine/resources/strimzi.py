"""A pipeline's topics and connector as Strimzi's custom resources, for clusters that Kubernetes looks after.

Shapes: https://strimzi.io/docs/operators/latest/configuring.html (``kafka.strimzi.io/v1``, the one
that Strimzi 1.2.0 serves).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import PlanRefused
from engine.resources.asked import Asked
from engine.resources.connector_checks import CLASS
from engine.resources.connector_desired import render, settings_of
from engine.resources.three_way import settings
from engine.resources.topic_desired import PARTITIONS, REPLICATION, topics_of
from engine.spec.kafka_names import connector_name
from engine.spec.target import Kafka

API = "kafka.strimzi.io/v1"
LABEL = "strimzi.io/cluster"
MAX_NAME = 253
_TASKS = "tasks.max"


def workers(cluster: str, kafka: Kafka, replicas: int) -> dict[str, Any]:
    """The Connect cluster that runs the connectors: exactly-once support, and connectors as resources."""
    copies = kafka.topic.replication_factor
    return {
        "apiVersion": API,
        "kind": "KafkaConnect",
        "metadata": {"name": cluster, "annotations": {"strimzi.io/use-connector-resources": "true"}},
        "spec": {
            "replicas": replicas,
            "bootstrapServers": kafka.bootstrap_servers.resolved(),
            "groupId": cluster,
            "configStorageTopic": f"{cluster}-configs",
            "offsetStorageTopic": f"{cluster}-offsets",
            "statusStorageTopic": f"{cluster}-status",
            "config": {
                **{f"{kind}.storage.replication.factor": copies for kind in ("config", "offset", "status")},
                "exactly.once.source.support": "enabled",
                "connector.client.config.override.policy": "All",
                "config.providers": "file,env",
                "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
                "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
            },
        },
    }


def resources_of(asked: Asked, kafka: Kafka, cluster: str, kafka_cluster: str) -> Iterator[dict[str, Any]]:
    """The topics and the connector of one pipeline.

    Args:
        cluster: name of the KafkaConnect resource.
        kafka_cluster: name of the Kafka resource.

    Raises:
        PlanRefused: a secret would stand in the manifest.
        TemplateError: the connector's template is wrong.
    """
    for topic in topics_of(asked):
        yield _resource(
            "KafkaTopic",
            topic.title,
            kafka_cluster,
            {
                "topicName": topic.title,
                "partitions": topic.attributes[PARTITIONS],
                "replicas": topic.attributes[REPLICATION],
                "config": settings(topic.attributes),
            },
        )
    if asked.namespaces:
        yield _connector(asked, kafka, cluster)


def _connector(asked: Asked, kafka: Kafka, cluster: str) -> dict[str, Any]:
    rendering = render(asked, kafka)
    if rendering.hidden:
        raise PlanRefused(
            f"the manifest would hold a secret: {', '.join(sorted(rendering.hidden))}",
            where=f"pipeline {asked.pipeline.pipeline}",
            remedy="say under transport.kafka.connector.mongodb_uri_from where the workers find it",
        )
    spec = {
        "class": rendering.raw[CLASS],
        "tasksMax": int(rendering.raw.get(_TASKS, "1")),
        "state": settings_of(asked, kafka).state,
        "config": _without(rendering.raw, (CLASS, _TASKS)),
    }
    return _resource("KafkaConnector", connector_name(asked.target, asked.pipeline), cluster, spec)


def _resource(kind: str, name: str, cluster: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": kubernetes_name(name), "labels": {LABEL: cluster}}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def kubernetes_name(name: str) -> str:
    """A name that Kubernetes takes: lower-case letters, digits, ``-`` and ``.``; the first and last no mark."""
    return re.sub(r"[^a-z0-9.-]", "-", name.lower())[:MAX_NAME].strip("-.")


def _without(config: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in config.items() if name not in names}
