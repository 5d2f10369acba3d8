"""The connector that a pipeline asks for, rendered from the pipeline's and the target's settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from engine.resources.asked import Asked
from engine.resources.connector_template import ConnectorTemplate, load_template
from engine.resources.resource import Desired
from engine.resources.topic_desired import collection_config
from engine.spec.debezium import Connector, is_sensitive, merged
from engine.spec.kafka_names import HEARTBEAT_PREFIX, connector_name, signal_topic, topic_prefix
from engine.spec.model import SpecModel
from engine.spec.target import Kafka
from engine.state.canonical import Json

KIND = "connector"
CONFIG = "config."
NEEDS = "needs"
"""What has to be there before it; as an attribute, since a connector that left git still has to go first."""
SECRET_MARK = "\u27e6mongodb.uri\u27e7"  # noqa: S105  stands where the secret goes
DIGEST = "sha256:"


def connector_of(asked: Asked, needs: tuple[str, ...]) -> Desired | None:
    """The connector of a pipeline on a Kafka target; none while it has no collections.

    Raises:
        TemplateError: the template is wrong.
        UserError: a reference of the target cannot be resolved.
    """
    kafka = asked.target.transport.kafka
    if kafka is None or not asked.namespaces:
        return None
    config = rendered(asked, kafka, load_template(asked.root))
    attributes: dict[str, Json] = {
        f"{CONFIG}{name}": shown(name, value, asked.target.mongodb.uri.reveal()) for name, value in config.items()
    }
    name = connector_name(asked.target, asked.pipeline)
    return Desired(
        address=f"{KIND}.{name}",
        kind=KIND,
        title=name,
        pipeline=asked.pipeline.pipeline,
        attributes=attributes | {"name": name, NEEDS: list(needs)},
        depends_on=needs,
    )


def settings_of(asked: Asked, kafka: Kafka) -> Connector:
    """The target's settings with the pipeline's in their place."""
    return merged(kafka.connector, asked.pipeline.source.connector)


def rendered(asked: Asked, kafka: Kafka, template: ConnectorTemplate) -> dict[str, str]:
    """The configuration, with ``SECRET_MARK`` where the connection string goes.

    Raises:
        TemplateError: the template is wrong.
    """
    settings = settings_of(asked, kafka)
    source = asked.pipeline.source
    from_workers = settings.mongodb_uri_from
    return template.render(
        {
            "settings": _plain(settings),
            "topic": _plain(kafka.topic) | {"config": collection_config(kafka.topic)},
            "mongodb_uri": SECRET_MARK if from_workers is None else f"${{{from_workers}}}",
            "topic_prefix": topic_prefix(asked.target, asked.pipeline),
            "collections": list(asked.namespaces),
            "database": asked.namespaces[0].partition(".")[0],
            "capture": source.capture,
            "snapshot": source.snapshot,
            "heartbeat_prefix": HEARTBEAT_PREFIX,
            "signal_topic": signal_topic(asked.target, asked.pipeline),
            "bootstrap_servers": kafka.bootstrap_servers.resolved(),
        }
    )


def shown(name: str, value: str, secret: str) -> str:
    """A setting as a plan may hold it: a secret is its digest, a reference to a config provider no secret."""
    if SECRET_MARK in value:
        return digest_of(value.replace(SECRET_MARK, secret))
    is_reference = value.startswith("${") and value.endswith("}")
    return digest_of(value) if is_sensitive(name) and not is_reference else value


def digest_of(value: str) -> str:
    """``sha256:`` and twelve hexadecimal digits."""
    return DIGEST + hashlib.sha256(value.encode()).hexdigest()[:12]


def _plain(model: SpecModel) -> dict[str, Any]:
    """A model for the template: durations are whole milliseconds."""
    return {name: _plain_value(value) for name, value in model}


def _plain_value(value: object) -> object:
    if isinstance(value, timedelta):
        return round(value.total_seconds() * 1000)
    if isinstance(value, SpecModel):
        return _plain(value)
    return dict(value) if isinstance(value, Mapping) else value
