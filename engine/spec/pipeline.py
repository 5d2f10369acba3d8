"""A pipeline: which collections should be which tables (``specs/pipelines/*.yaml``)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from engine.spec.column_pin import Pin
from engine.spec.debezium import Connector
from engine.spec.model import SpecModel
from engine.spec.quantities import Duration, Size
from engine.spec.target import Name
from engine.spec.types import ColumnType

GLOB_CHARACTERS = "*?"


class FieldRule(SpecModel):
    """What is fixed about one field of the documents."""

    model_config = ConfigDict(
        json_schema_extra={
            "dependentSchemas": {"mask": {"not": {"anyOf": [{"required": ["type"]}, {"required": ["as"]}]}}}
        }
    )

    type: Pin = Field(
        None, description="Pin the column's type instead of inferring it; with `as: map`, the type of the values."
    )
    as_: Literal["map"] | None = Field(
        None, alias="as", description="map: the keys of this document are data; it becomes map<string, ...>."
    )
    mask: Literal["sha256", "redact", "drop"] | None = Field(
        None, description="Hide the value before anything is written: sha256, redact (***) or drop."
    )

    @property
    def as_map(self) -> bool:
        """Whether the keys of this document are data."""
        return self.as_ == "map"


def _as_strings(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Strings = Annotated[tuple[str, ...], BeforeValidator(_as_strings)]


class Source(SpecModel):
    """What is read."""

    collections: Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_as_strings)] = Field(
        description="Collections as database.collection; * and ? stand for any characters."
    )
    capture: Literal["update_full", "post_image"] = Field(
        "update_full",
        description="update_full: an update carries the document looked up later. post_image: the document as the "
        "update left it (MongoDB 6+, collections with changeStreamPreAndPostImages).",
    )
    snapshot: Literal["initial", "no_data", "when_needed"] = Field(
        "initial",
        description="initial: read what is there, then changes. no_data: changes only. when_needed: a new snapshot "
        "when the oplog no longer holds the position.",
    )
    connector: Connector | None = Field(
        None,
        description="With transport: kafka, the settings of this pipeline's connector that differ from the target's "
        "(transport.kafka.connector, which has the same keys).",
    )


class Fold(SpecModel):
    """When new changes are folded into the current or history table."""

    every: Duration = Field(timedelta(seconds=60), description="Fold at least so often while there are changes.")


class Vacuum(SpecModel):
    """Removal of files that no table version needs."""

    retain: Duration = Field(timedelta(days=7), description="Keep files of older versions for so long.")


class Maintenance(SpecModel):
    """Upkeep of the Delta files."""

    optimize: Literal["daily", "weekly", "never"] = Field("daily", description="How often to compact small files.")
    z_order: Strings = Field((), description="Columns to sort the files by when optimizing.")
    vacuum: Vacuum = Field(default_factory=Vacuum, description="Removal of files that no version needs.")


class Table(SpecModel):
    """What the table should be."""

    name: str | None = Field(
        None,
        pattern=r"^[a-z0-9_{}]+$",
        max_length=200,
        description="Name of the table; may hold {pipeline}, {database} and {collection}. Default: the pipeline's "
        "name for one collection, else {pipeline}_{collection}.",
    )
    mode: Literal["current", "history", "changes"] = Field(
        "current",
        description="current: one row a document. history: one row a version (SCD2). changes: the change log alone.",
    )
    partition_by: Strings = Field(
        ("_ingestion_date",),
        description="Partition columns: _ingestion_date partitions the change log, a declared field the current table.",
    )
    fields: dict[str, FieldRule] = Field(
        default_factory=dict, description="Rules for fields, by dotted path; the default is inference."
    )
    on_conflict: Literal["rescue", "widen", "fail"] = Field(
        "rescue",
        description="What to do with a value its column cannot hold: keep it in _rescued, widen the column "
        "(int32, int64, double), or stop the table.",
    )
    fold: Fold = Field(default_factory=lambda: Fold(every=timedelta(seconds=60)), description="When to fold.")
    maintenance: Maintenance = Field(
        default_factory=lambda: Maintenance(optimize="daily", z_order=()), description="Upkeep of the files."
    )


class BatchBounds(SpecModel):
    """How much is written in one commit: whichever bound is reached first."""

    max_rows: int = Field(50_000, ge=1, le=10_000_000, description="Changes in one commit.")
    max_bytes: Size = Field(64 << 20, description="Bytes of documents in one commit.")
    max_age: Duration = Field(timedelta(seconds=2), description="How long a change may wait to be committed.")


class Schedule(SpecModel):
    """When the tables are compared with their collections."""

    every: Duration = Field(description="`oplake reconcile --due` compares a table when its last pass is so old.")
    mode: Literal["full", "incremental", "sampled", "counts"] = Field(
        "incremental",
        description="full: every document and row. incremental: what was touched since the last clean pass; the first "
        "one is full. sampled: documents drawn at random. counts: how many there are, and nothing of what they hold.",
    )


class Pipeline(SpecModel):
    """What should be true: these collections are these tables."""

    pipeline: Name = Field(description="Name of the pipeline.")
    target: Name | None = Field(None, description="The target it runs on, when there are several.")
    source: Source = Field(description="What is read.")
    table: Table = Field(
        default_factory=lambda: Table(name=None, mode="current", on_conflict="rescue"),
        description="What the table should be.",
    )
    batch: BatchBounds = Field(default_factory=lambda: BatchBounds(max_rows=50_000), description="Bounds of a commit.")
    reconcile: Schedule | None = Field(
        None, description="When the tables are compared with their collections, by `oplake reconcile --due`."
    )
    max_dead_letters: int = Field(
        100,
        ge=0,
        le=10_000_000,
        description="How many records an hour may be put aside because they cannot be decoded; one more stops the "
        "table before it. Only with `transport: kafka`.",
    )

    def table_name(self, namespace: str) -> str:
        """The table of one collection (``database.collection``)."""
        database, _, collection = namespace.partition(".")
        names = self.source.collections
        is_single = len(names) == 1 and not any(mark in names[0] for mark in GLOB_CHARACTERS)
        template = self.table.name or ("{pipeline}" if is_single else "{pipeline}_{collection}")
        name = template.format(pipeline=self.pipeline, database=database, collection=collection)
        return "".join(character if character.isalnum() else "_" for character in name.lower())


def pinned_type(rule: FieldRule) -> ColumnType | None:
    """The type a rule pins."""
    return rule.type  # type: ignore[no-any-return]
