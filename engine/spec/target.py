"""A target: where a pipeline runs (``specs/targets/*.yaml``)."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from engine.errors import UserError
from engine.secrets.secret import Secret
from engine.secrets.template import Template
from engine.spec.debezium import Connector
from engine.spec.model import SpecModel
from engine.spec.quantities import Duration, Size
from engine.spec.store_ca import trust
from engine.spec.telemetry import Telemetry
from engine.spec.vault import Vault, bind
from engine.spec.wrong_value import WrongValue

NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
MAX_NAME = 63
TOPIC_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=MAX_NAME)]
S3 = "s3://"
SQLITE = "sqlite:///"


class MongoDB(SpecModel):
    """The MongoDB deployment to read from."""

    uri: Secret = Field(
        description="Connection string of a replica set or of a sharded cluster's mongos. "
        "May hold references such as ${env:NAME}; it is never shown."
    )


class ChangeStream(SpecModel):
    """Read change streams directly, in this process."""


def _topic_prefix(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(TOPIC_PATTERN, value):
        raise WrongValue(
            "cannot begin the name of a topic", "letters, digits, - and _ make one, a letter or digit first"
        )
    return value


TopicPrefix = Annotated[
    str,
    BeforeValidator(_topic_prefix),
    Field(max_length=100),
    WithJsonSchema({"type": "string", "pattern": TOPIC_PATTERN, "maxLength": 100}),
]


class Topic(SpecModel):
    """How Kafka topics are created."""

    partitions: int = Field(4, ge=1, le=10_000, description="Partitions of a collection's topic.")
    replication_factor: int = Field(3, ge=1, le=10, description="Copies of each partition.")
    min_insync_replicas: int | None = Field(
        None,
        ge=1,
        le=10,
        description="Copies that must have a message before it counts as written (min.insync.replicas). "
        "Default: 2, or 1 where there is one copy.",
    )
    retention: Duration = Field(
        timedelta(days=7),
        description="How long messages are kept (retention.ms): a table that is further behind has lost changes.",
    )
    max_message_size: Size = Field(
        20 << 20,
        description="Bytes of the largest message, for the topic (max.message.bytes) and the connector's producer "
        "(max.request.size). MongoDB's documents have up to 16 MiB.",
    )
    config: dict[str, str] = Field(default_factory=dict, description="Further topic settings, as Kafka names them.")

    @property
    def in_sync(self) -> int:
        """``min.insync.replicas``, its default worked out."""
        return self.min_insync_replicas or min(2, self.replication_factor)


class Kafka(SpecModel):
    """Read what Debezium wrote to Kafka."""

    bootstrap_servers: Template = Field(description="Kafka brokers, host:port, separated by commas.")
    connect_url: Template = Field(description="REST address of Kafka Connect.")
    client: dict[str, Secret] = Field(
        default_factory=dict,
        description="Further settings of the workers' Kafka client, as librdkafka names them: security.protocol, "
        "sasl.username, sasl.password, session.timeout.ms. Never shown.",
    )
    topic_prefix: TopicPrefix | None = Field(
        None,
        description="What the topics and connectors of this target begin with; the pipeline's name follows. "
        "Default: the target's name.",
    )
    topic: Topic = Field(default_factory=lambda: Topic.model_validate({}), description="How topics are created.")
    restart_failed: bool = Field(
        True,
        description="Let `oplake run` start a connector's task again that has failed, with pauses that double; false "
        "where somebody else does. A failure is told either way.",
    )
    connector: Connector = Field(
        default_factory=lambda: Connector.model_validate({}),
        description="How Debezium's connectors are set up; a pipeline may give its own under source.connector.",
    )


class Transport(SpecModel):
    """How changes travel: exactly one of the two."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    change_stream: ChangeStream | None = Field(
        None, description="Embedded: one process reads change streams. For laptops, tests, small collections."
    )
    kafka: Kafka | None = Field(None, description="Production: Debezium on Kafka Connect, and Kafka.")


class Storage(SpecModel):
    """How to reach an S3-compatible store."""

    endpoint: Template | None = Field(None, description="Address of the store; left out for AWS S3.")
    region: Template = Field(Template("us-east-1"), description="Region of the bucket.")
    access_key: Secret | None = Field(
        None,
        description="Access key, best as a reference; a file that changes is read again. Without keys: those of the "
        "environment, of a web identity or of the machine's role, which are refreshed before they expire.",
    )
    secret_key: Secret | None = Field(None, description="Secret key, best as a reference.")
    session_token: Secret | None = Field(None, description="Session token of temporary keys, best as a reference.")
    allow_http: bool = Field(False, description="Allow an endpoint without TLS.")
    ca: Template | None = Field(
        None,
        description="File (absolute path) of the certificates that the store's own is checked against. Default: the "
        "system's.",
    )
    path_style: bool = Field(True, description="Put the bucket into the path instead of the host name.")
    connect_timeout: Duration = Field(timedelta(seconds=5), description="How long a connection may take to be made.")
    timeout: Duration = Field(timedelta(seconds=30), description="How long one request may take, its body included.")
    retries: int = Field(10, ge=0, le=100, description="How often a request that failed is sent again.")
    retry_deadline: Duration = Field(
        timedelta(seconds=60),
        description="No request is sent again after so long; what failed is then tried from the committed position.",
    )
    idle_connections: int = Field(16, ge=1, le=1000, description="Connections kept open for later requests.")

    def options(self) -> dict[str, str]:
        """The store's options as deltalake (object_store) names them, references resolved.

        From now on this process trusts the store's certificates.

        Raises:
            UserError: a reference cannot be resolved, or ``ca`` cannot be used.
        """
        if self.ca is not None:
            trust(Path(self.ca.resolved()), self.ca.where or "lake.storage.ca")
        options = {
            "aws_region": self.region.resolved(),
            "aws_allow_http": str(self.allow_http).lower(),
            "aws_virtual_hosted_style_request": str(not self.path_style).lower(),
            "aws_conditional_put": "etag",
            "connect_timeout": _duration(self.connect_timeout),
            "timeout": _duration(self.timeout),
            "pool_max_idle_per_host": str(self.idle_connections),
            "max_retries": str(self.retries),
            "retry_timeout": _duration(self.retry_deadline),
        }
        if self.endpoint is not None:
            options["aws_endpoint"] = self.endpoint.resolved()
        if self.access_key is not None:
            options["aws_access_key_id"] = self.access_key.reveal()
        if self.secret_key is not None:
            options["aws_secret_access_key"] = self.secret_key.reveal()
        if self.session_token is not None:
            options["aws_session_token"] = self.session_token.reveal()
        return options


class Lake(SpecModel):
    """Where the Delta tables live."""

    uri: Template = Field(description="A folder (relative to the project) or s3://bucket/prefix that holds the tables.")
    storage: Storage | None = Field(None, description="How to reach the store; only for s3://.")

    def location(self, root: Path) -> str:
        """Absolute path or s3:// address of the tables' folder, references resolved.

        Raises:
            UserError: it is neither, or a reference cannot be resolved.
        """
        uri = self.uri.resolved()
        problem = lake_problem(uri)
        if problem:
            raise UserError(f"the lake's `uri` {problem[0]}", where=self.uri.where, remedy=problem[1])
        return uri.rstrip("/") if uri.startswith(S3) else str((root / Path(uri).expanduser()).resolve())

    def storage_options(self) -> dict[str, str]:
        """Options for deltalake, references resolved; none for a local folder."""
        if not self.uri.resolved().startswith(S3):
            return {}
        return (self.storage or Storage(allow_http=False, path_style=True)).options()


def _duration(value: timedelta) -> str:
    """As object_store reads it."""
    return f"{round(value.total_seconds() * 1000)}ms"


def lake_problem(uri: str) -> tuple[str, str] | None:
    """What is wrong with the resolved address of a lake, and how to put it right."""
    if "://" not in uri:
        return None if uri.strip() else ("is empty", "write a folder or s3://bucket/prefix")
    scheme, _, rest = uri.partition("://")
    if scheme in ("s3a", "s3n"):
        return f"has the scheme {scheme}://", "write s3://"
    if scheme == "file":
        return "has the scheme file://", "write the path alone"
    if scheme != "s3":
        return "is neither a folder nor s3://bucket/prefix", "the lake is a local folder or an S3-compatible store"
    return None if rest.strip("/") and not rest.startswith("/") else ("names no bucket", "write s3://bucket/prefix")


class Target(SpecModel):
    """Where pipelines run: a MongoDB, a transport, a lake and a state database."""

    target: Name = Field(description="Name of the target, as --target takes it.")
    mongodb: MongoDB = Field(description="The MongoDB deployment to read from.")
    transport: Transport = Field(
        default_factory=lambda: Transport(change_stream=ChangeStream(), kafka=None),
        description="How changes travel: change_stream (the default) or kafka.",
    )
    lake: Lake = Field(description="Where the Delta tables live.")
    state: Secret = Field(
        default_factory=lambda: Secret(f"{SQLITE}.oplake/state.db"),
        description="State database as a SQLAlchemy URL; a relative sqlite path is relative to the project.",
    )
    telemetry: Telemetry | None = Field(None, description="Where traces are sent; default: where the environment says.")
    vault: Vault | None = Field(None, description="HashiCorp Vault, where ${vault:MOUNT/PATH#FIELD} is looked up.")

    @model_validator(mode="after")
    def _bind_to_vault(self) -> Self:
        if self.vault is not None and self.vault.auth.names_one:
            bind(self, self.vault.access())
        return self

    def trace_settings(self) -> dict[str, str]:
        """OpenTelemetry's variables as the spec has them; none where it says nothing.

        Raises:
            UserError: a reference cannot be resolved.
        """
        return {} if self.telemetry is None else self.telemetry.variables()

    def state_url(self, root: Path) -> str:
        """The state database's URL, resolved, with a relative SQLite path made absolute.

        Raises:
            UserError: a reference cannot be resolved.
        """
        url = self.state.reveal()
        path, mark, query = url.removeprefix(SQLITE).partition("?")
        is_file = url.startswith(SQLITE) and path not in ("", ":memory:") and not path.startswith("file:")
        return f"{SQLITE}{(root / path).resolve()}{mark}{query}" if is_file else url
