"""The connector that a pipeline asks for, rendered from the pipeline's and the target's settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from engine.errors import UserError
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
STATE = "state"
NEEDS = "needs"
"""What has to be there before it; as an attribute, since a connector that left git still has to go first."""
SECRET_MARK = "\u27e6mongodb.uri\u27e7"  # noqa: S105  stands where the secret goes
DIGEST = "sha256:"


@dataclass(frozen=True, slots=True)
class Rendering:
    """A connector's configuration as the template made it."""

    template: ConnectorTemplate
    raw: Mapping[str, str] = field(repr=False)
    """With its secrets: never shown, never stored."""
    hidden: frozenset[str]
    """Settings of which plans hold a digest."""


def render(asked: Asked, kafka: Kafka) -> Rendering:
    """The configuration of a pipeline's connector.

    Raises:
        TemplateError: the template is wrong.
        UserError: a reference of the target cannot be resolved, or a secret of Vault would be shown.
    """
    template = load_template(asked.root)
    marked = rendered(asked, kafka, template)
    uri = asked.target.mongodb.uri
    is_written = any(SECRET_MARK in value for value in marked.values())
    if is_written and uri.template.uses_vault:
        raise UserError(
            "a connection string from Vault would be written into the connector, where Connect's REST shows it",
            where=uri.template.where,
            remedy="say with transport.kafka.connector.mongodb_uri_from where Connect's workers find it themselves, "
            "such as file:/run/secrets/mongodb.properties:uri",
        )
    secret = uri.reveal() if is_written else ""
    return Rendering(
        template,
        {name: value.replace(SECRET_MARK, secret) for name, value in marked.items()},
        frozenset(name for name, value in marked.items() if SECRET_MARK in value or is_secret(name, value)),
    )


def connector_of(asked: Asked, kafka: Kafka, rendering: Rendering, needs: tuple[str, ...]) -> Desired:
    """The connector of a pipeline on a Kafka target."""
    attributes: dict[str, Json] = {
        f"{CONFIG}{name}": digest_of(value) if name in rendering.hidden else value
        for name, value in rendering.raw.items()
    }
    name = connector_name(asked.target, asked.pipeline)
    return Desired(
        address=f"{KIND}.{name}",
        kind=KIND,
        title=name,
        pipeline=asked.pipeline.pipeline,
        attributes=attributes | {"name": name, NEEDS: list(needs), STATE: settings_of(asked, kafka).state},
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
            "bootstrap_servers": settings.signal_bootstrap_servers or kafka.bootstrap_servers.resolved(),
        }
    )


def is_secret(name: str, value: str) -> bool:
    """Whether a setting's value has to be hidden: its name tells, and a reference to a config provider is none."""
    return is_sensitive(name) and not (value.startswith("${") and value.endswith("}"))


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
