"""``oplake render``: topics and connectors as manifests for Strimzi."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import project_option, target_option

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.planner.scope import Scope


@click.command()
@project_option
@target_option
@click.option("--cluster", default="oplake", show_default=True, help="Name of the KafkaConnect resource.")
@click.option("--kafka-cluster", default="kafka", show_default=True, help="Name of the Kafka that has the topics.")
@click.option("--workers", type=click.IntRange(1, 100), default=2, show_default=True, help="Workers of KafkaConnect.")
def render(project: Path, target: str | None, *, cluster: str, kafka_cluster: str, workers: int) -> int:
    """Write Strimzi's KafkaConnect, KafkaTopic and KafkaConnector resources of a target as YAML.

    For clusters where Kubernetes looks after Kafka, in place of what `oplake apply` would do to topics and
    connectors. Asks MongoDB only for the collections that wildcards match. Holds no secrets.
    """
    from ruamel.yaml import YAML

    from engine.planner.render import manifests
    from engine.planner.scope import one_scope
    from engine.spec.project import load_project

    scope = one_scope(load_project(project), target)
    found = manifests(scope, _existing(scope), cluster=cluster, kafka_cluster=kafka_cluster, replicas=workers)
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.explicit_start = True
    yaml.width = 1 << 20
    stream = io.StringIO()
    yaml.dump_all(list(found), stream)
    click.echo(stream.getvalue(), nl=False)
    return 0


def _existing(scope: Scope) -> Collection[str]:
    from engine.resources.collection import is_glob
    from engine.resources.mongodb_view import open_source

    patterns = [name for pipeline in scope.pipelines for name in pipeline.source.collections]
    if not any(is_glob(pattern) for pattern in patterns):
        return ()
    with open_source(scope.target) as source:
        return source.existing(patterns)
