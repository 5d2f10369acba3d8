"""How a pipeline's Debezium connector is set up: typed, so that the schema explains every setting.

A target holds the settings of all its connectors, a pipeline what it wants otherwise.
``templates/debezium-mongodb.json.j2`` turns them into Debezium's own names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from engine.spec.model import SpecModel
from engine.spec.quantities import Duration, Size
from engine.spec.wrong_value import WrongValue

PROVIDER_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]*:[^{}$]+$"
_SENSITIVE = re.compile(r"password|secret|token|credential|jaas|private|passphrase|connection\.string", re.IGNORECASE)


def is_sensitive(name: str) -> bool:
    """Whether a setting of this name holds a secret, as far as its name tells."""
    return _SENSITIVE.search(name) is not None


def _no_secrets(settings: Mapping[str, str]) -> Mapping[str, str]:
    for name in settings:
        if is_sensitive(name):
            raise WrongValue(f"holds `{name}`, which is a secret", "give it under `config_from`, as a reference")
    return settings


def _provider_reference(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(PROVIDER_PATTERN, value):
        hint = "write it without ${}, for example file:/run/secrets/mongodb.properties:uri"
        raise WrongValue("is no reference to a config provider of Kafka Connect", hint)
    return value


def _always(value: bool) -> bool:
    if not value:
        raise WrongValue("cannot be turned off", "delete the key: the order of a transaction's events comes from it")
    return value


ProviderReference = Annotated[
    str, BeforeValidator(_provider_reference), WithJsonSchema({"type": "string", "pattern": PROVIDER_PATTERN})
]


class Producer(SpecModel):
    """The producer that writes a connector's events. It always waits for all replicas and never repeats a write."""

    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        "snappy", description="Compression of the messages (compression.type)."
    )
    batch_size: Size = Field(16 << 10, description="Bytes collected for one request (batch.size).")
    linger: Duration = Field(
        timedelta(milliseconds=10), description="How long to wait for more messages to send along (linger.ms)."
    )
    max_in_flight: int = Field(
        5, ge=1, le=5, description="Requests under way at a time (max.in.flight.requests.per.connection)."
    )
    retries: int = Field(2_147_483_647, ge=1, le=2_147_483_647, description="Attempts to send again (retries).")
    transaction_timeout: Duration = Field(
        timedelta(minutes=1),
        description="How long a transaction may stay open (transaction.timeout.ms). After a crash, tables and a "
        "worker of Connect that starts wait for so long for one that nobody ends.",
    )


class Connector(SpecModel):
    """The settings of Debezium's MongoDB connector."""

    state: Literal["running", "paused", "stopped"] = Field(
        "running",
        description="running; paused: keeps its task and reads nothing; stopped: has no task, so that offsets can be "
        "changed. The oplog has to hold what it misses.",
    )
    mongodb_uri_from: ProviderReference | None = Field(
        None,
        description="Where Kafka Connect's workers find the connection string: a config provider's reference without "
        "${}, such as file:/run/secrets/mongodb.properties:uri. Default: mongodb.uri, written into the connector.",
    )
    signal_bootstrap_servers: str | None = Field(
        None,
        min_length=1,
        max_length=2000,
        description="Kafka's brokers as the workers reach them, for signals (signal.kafka.bootstrap.servers). "
        "Default: transport.kafka.bootstrap_servers.",
    )
    snapshot_fetch_size: int = Field(
        10_000, ge=1, le=1_000_000, description="Documents read at a time in a snapshot (snapshot.fetch.size)."
    )
    snapshot_threads: int = Field(
        4, ge=1, le=64, description="Collections copied at the same time in a snapshot (snapshot.max.threads)."
    )
    poll_interval: Duration = Field(
        timedelta(milliseconds=100), description="How long to wait for changes when there are none (poll.interval.ms)."
    )
    max_batch_size: int = Field(2048, ge=1, le=1_000_000, description="Events handed over at a time (max.batch.size).")
    max_queue_size: int = Field(
        16_384, ge=2, le=10_000_000, description="Events waiting to be handed over; more than a batch (max.queue.size)."
    )
    max_queue_bytes: Size = Field(
        128 << 20, description="Bytes waiting to be handed over, whatever their number (max.queue.size.in.bytes)."
    )
    tasks_max: int = Field(
        1, ge=1, le=1, description="Tasks of a connector: one change stream has one reader (tasks.max)."
    )
    tombstones: bool = Field(
        True, description="Follow a delete with an empty message, for topics that are compacted (tombstones.on.delete)."
    )
    pre_images: bool = Field(
        False,
        description="Send documents as they were before a change as well (capture.mode ..._with_pre_image; needs "
        "changeStreamPreAndPostImages).",
    )
    heartbeat_interval: Duration = Field(
        timedelta(seconds=5),
        description="How often an idle connector stores how far it has looked, so that the oplog may forget "
        "(heartbeat.interval.ms).",
    )
    schema_name_adjustment: Literal["none", "avro", "avro_unicode"] = Field(
        "avro", description="How schema names are made fit for other systems (schema.name.adjustment.mode)."
    )
    transaction_metadata: Annotated[bool, AfterValidator(_always), WithJsonSchema({"const": True})] = Field(
        True,
        description="Number the events of a transaction (provide.transaction.metadata): their order comes from it.",
    )
    capture_scope: Literal["deployment", "database"] = Field(
        "deployment",
        description="What the change stream is opened on: the whole deployment, or the one database that all "
        "collections are in, which takes fewer rights (capture.scope).",
    )
    exactly_once: Literal["required", "requested"] = Field(
        "required",
        description="required: refuse to run on workers without exactly-once support. requested: run there all the "
        "same; events may come twice after a crash (exactly.once.support).",
    )
    transaction_boundary: Literal["poll", "interval"] = Field(
        "poll", description="What is written in one Kafka transaction: a poll, or an interval (transaction.boundary)."
    )
    transaction_interval: Duration = Field(
        timedelta(seconds=1),
        description="With transaction_boundary: interval, how often to commit (transaction.boundary.interval.ms).",
    )
    cursor_oversize: Literal["fail", "skip", "split"] = Field(
        "split",
        description="Changes larger than 16 MiB: split them on the server (MongoDB 6.0.9), fail or skip "
        "(cursor.oversize.handling.mode).",
    )
    max_retries: int = Field(
        -1, ge=-1, le=1_000_000, description="Attempts after an error of MongoDB; -1 without end (errors.max.retries)."
    )
    producer: Producer = Field(
        default_factory=lambda: Producer.model_validate({}), description="The producer that writes the events."
    )
    config: Annotated[dict[str, str], AfterValidator(_no_secrets)] = Field(
        default_factory=dict, description="Further settings, as Debezium and Kafka Connect name them; no secrets."
    )
    config_from: dict[str, ProviderReference] = Field(
        default_factory=dict,
        description="Further settings that Kafka Connect's workers find by a config provider's reference, "
        "written without ${}.",
    )


def merged(defaults: Connector, chosen: Connector | None) -> Connector:
    """A target's settings with those that a pipeline gives in their place; the free settings key by key."""
    if chosen is None:
        return defaults
    values = _given(chosen)
    values["producer"] = defaults.producer.model_copy(update=_given(chosen.producer))
    for name in ("config", "config_from"):
        values[name] = {**getattr(defaults, name), **getattr(chosen, name)}
    return defaults.model_copy(update=values)


def _given(model: SpecModel) -> dict[str, Any]:
    """What a spec says itself."""
    return {name: getattr(model, name) for name in model.model_fields_set}
