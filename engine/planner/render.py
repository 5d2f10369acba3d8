"""What a scope has in Kafka and Kafka Connect, as manifests for somebody else to apply."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from engine.errors import UsageError
from engine.planner.scope import Scope
from engine.resources.asked import Asked
from engine.resources.collection import match
from engine.resources.strimzi import resources_of, workers


def manifests(
    scope: Scope, existing: Collection[str], *, cluster: str, kafka_cluster: str, replicas: int
) -> Iterator[dict[str, Any]]:
    """Strimzi's resources: the workers first, then topics and connector of each pipeline.

    Args:
        existing: the source's collections, as far as wildcards have to be matched.

    Raises:
        UsageError: the target is on no Kafka.
    """
    kafka = scope.target.transport.kafka
    if kafka is None:
        raise UsageError(
            "the target has no Kafka, so there is nothing to render",
            where=f"target {scope.name}: transport",
            remedy="choose one with `transport: kafka`: --target NAME",
        )
    yield workers(cluster, kafka, replicas)
    for pipeline in scope.pipelines:
        found = match(pipeline, existing, ())
        asked = Asked(scope.target, pipeline, found.namespaces, scope.root, scope.files_of(pipeline))
        yield from resources_of(asked, kafka, cluster, kafka_cluster)
