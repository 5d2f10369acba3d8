"""A target: where a pipeline runs (``specs/targets/*.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from engine.secrets.secret import Secret

NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=63)]


class SpecModel(BaseModel):
    """What all parts of a spec have in common: immutable, unknown keys refused, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class MongoDB(SpecModel):
    """The MongoDB deployment to read from."""

    uri: Secret = Field(
        description="Connection string of a replica set or of a sharded cluster's mongos. "
        "May hold references such as ${env:NAME}; it is never shown."
    )


class ChangeStream(SpecModel):
    """Read change streams directly, in this process."""


class Topic(SpecModel):
    """How Kafka topics are created."""

    partitions: int = Field(4, ge=1, le=10_000, description="Partitions of a topic.")
    replication_factor: int = Field(3, ge=1, le=10, description="Copies of each partition.")
    config: dict[str, str] = Field(default_factory=dict, description="Topic settings, as Kafka names them.")


class Kafka(SpecModel):
    """Read what Debezium wrote to Kafka."""

    bootstrap_servers: str = Field(description="Kafka brokers, host:port, separated by commas.")
    connect_url: str = Field(description="REST address of Kafka Connect.")
    topic: Topic = Field(default_factory=Topic, description="How topics are created.")


class Transport(SpecModel):
    """How changes travel: exactly one of the two."""

    change_stream: ChangeStream | None = Field(
        None, description="Embedded: one process reads change streams. For laptops, tests, small collections."
    )
    kafka: Kafka | None = Field(None, description="Production: Debezium on Kafka Connect, and Kafka.")


class Storage(SpecModel):
    """How to reach an S3-compatible store."""

    endpoint: str | None = Field(None, description="Address of the store; left out for AWS S3.")
    region: str = Field("us-east-1", description="Region of the bucket.")
    access_key: Secret | None = Field(None, description="Access key, best as a reference.")
    secret_key: Secret | None = Field(None, description="Secret key, best as a reference.")
    allow_http: bool = Field(False, description="Allow an endpoint without TLS.")
    path_style: bool = Field(True, description="Put the bucket into the path instead of the host name.")

    def options(self) -> dict[str, str]:
        """The store's options as deltalake (object_store) names them, secrets resolved."""
        options = {
            "aws_region": self.region,
            "aws_allow_http": str(self.allow_http).lower(),
            "aws_virtual_hosted_style_request": str(not self.path_style).lower(),
            "aws_conditional_put": "etag",
        }
        if self.endpoint is not None:
            options["aws_endpoint"] = self.endpoint
        if self.access_key is not None:
            options["aws_access_key_id"] = self.access_key.reveal()
        if self.secret_key is not None:
            options["aws_secret_access_key"] = self.secret_key.reveal()
        return options


class Lake(SpecModel):
    """Where the Delta tables live."""

    uri: str = Field(
        min_length=1,
        description="A folder (relative to the project) or s3://bucket/prefix that holds the tables.",
    )
    storage: Storage | None = Field(None, description="How to reach the store; only for s3://.")

    def location(self, root: Path) -> str:
        """Absolute path or s3:// address of the tables' folder."""
        return self.uri.rstrip("/") if "://" in self.uri else str((root / self.uri).resolve())

    def storage_options(self) -> dict[str, str]:
        """Options for deltalake, secrets resolved; none for a local folder."""
        if "://" not in self.uri:
            return {}
        return (self.storage or Storage(allow_http=False, path_style=True, region="us-east-1")).options()


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
        default_factory=lambda: Secret("sqlite:///.oplake/state.db"),
        description="State database as a SQLAlchemy URL; a relative sqlite path is relative to the project.",
    )

    def state_url(self, root: Path) -> str:
        """The state database's URL, resolved, with a relative SQLite path made absolute."""
        url = self.state.reveal()
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith("sqlite:////") and ":memory:" not in url:
            return prefix + str((root / url.removeprefix(prefix)).resolve())
        return url
