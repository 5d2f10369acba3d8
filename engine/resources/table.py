"""The kind ``table``: a change log, or the current or history table that is folded from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from engine.errors import LakeError
from engine.resources.asked import Asked
from engine.resources.change import Action, Cause, Change
from engine.resources.collection import SourceView
from engine.resources.notice import Notice
from engine.resources.resource import ABSENT, REMNANT, Around, Desired, Kind, Observed, Verb
from engine.resources.table_act import TableSteps
from engine.resources.table_columns import folded_columns, log_columns, unsettled_partitions
from engine.resources.table_compare import PARTITION, PROPERTIES, compare_table, title_of, upstream_of, where_it_is
from engine.resources.table_consequence import Facts, consequences
from engine.resources.table_desired import KIND, is_log, tables_of
from engine.resources.table_folder import has_remnant
from engine.spec.pipeline import Pipeline
from engine.spec.types import Struct
from engine.state.applied import Applied
from engine.state.canonical import Json


class TableKind(Kind):
    """Delta tables of one lake (``engine.resources.resource.Kind``)."""

    name = KIND

    def __init__(self, storage_options: Mapping[str, str]) -> None:
        self._options = dict(storage_options)
        self._steps = TableSteps(self._options, self._look)

    def desired(self, asked: Asked, before: Sequence[Desired]) -> Iterator[Desired]:
        """A change log and what is folded from it, for each collection."""
        for namespace in asked.namespaces:
            topics = tuple(one.address for one in before if one.attributes.get("namespace") == namespace)
            yield from tables_of(asked.pipeline, namespace, asked.target, asked.root, topics)

    def observe(self, desired: Desired | None, applied: Applied | None) -> Observed:
        """The Delta table."""
        return self._look(where_it_is(desired, applied))

    def compare(self, desired: Desired | None, applied: Applied | None, observed: Observed) -> Change:
        """The three-way difference."""
        return compare_table(desired, applied, observed)

    def act(self, verb: Verb, change: Change, *, resumed: bool) -> Observed:
        """Carry out one step."""
        return self._steps.act(verb, change, resumed=resumed)

    def clash(self, first: Desired, second: Desired) -> Notice | None:
        """Two collections that would be one table; told of their logs."""
        if not is_log(second.address):
            return None
        return Notice(
            "error",
            "table-clash",
            f"{second.attributes['namespace']} and {first.attributes['namespace']} would be the same table",
            f"pipeline {second.pipeline}, table {first.title}",
            "set `table.name`, for example `{pipeline}_{database}_{collection}`",
        )

    def foreign(self, desired: Desired) -> Notice:
        """A Delta table of somebody else."""
        return Notice(
            "error",
            "foreign-table",
            f"a Delta table that oplake did not make is where {desired.title} should be",
            str(desired.attributes.get("uri", "")),
            "move that table away, or set `table.name` in the pipeline",
        )

    def title(self, applied: Applied) -> str:
        """``orders/current``."""
        return title_of(applied)

    def upstream(self, applied: Applied) -> tuple[str, ...]:
        """What it was made from."""
        return upstream_of(applied)

    def problems(self, asked: Asked) -> Iterator[Notice]:
        """Partition columns without a type."""
        for name in unsettled_partitions(asked.pipeline):
            yield Notice(
                "error",
                "partition-type",
                f"the table cannot be partitioned by {name}: its type is not settled, or is none that partitions",
                f"pipeline {asked.pipeline.pipeline}: table.partition_by",
                f"pin it under `table.fields`, for example `{name}: {{type: string}}`",
            )

    def follow(self, change: Change, remade: Sequence[Change], observed: Observed) -> Change:  # noqa: ARG002  Kind's
        """A table is replaced with what it was made from."""
        return replace(
            change,
            action=Action.REPLACE,
            cause=Cause.CASCADE,
            destroys=True,
            reason=f"it is made from {remade[0].title}, which is made anew",
        )

    def consequences(self, change: Change, around: Around) -> tuple[str, ...]:
        """In rows, documents and downtime."""
        logs = [address for address in change.depends_on if address not in around.made_anew]
        fills = is_log(change.address) and change.address in around.made_anew and around.source is not None
        facts = Facts(
            table=around.observed[change.address].facts,
            log_rows=sum(around.observed[address].fact("rows") for address in logs if address in around.observed),
            documents=around.source.documents(str(change.desired["namespace"])) if fills and around.source else None,
        )
        return consequences(change, facts)

    def infer(
        self, change: Change, pipeline: Pipeline, source: SourceView, columns: Mapping[str, Struct | None]
    ) -> Mapping[str, Json]:
        """The columns that a new table starts with."""
        if not is_log(change.address):
            return folded_columns(columns[change.depends_on[0]], pipeline)
        return log_columns(source.sample(str(change.desired["namespace"]), pipeline), pipeline)

    def _look(self, uri: str) -> Observed:
        from engine.lake.observe import observe_table  # noqa: PLC0415  pyarrow and deltalake load late

        try:
            table = observe_table(uri, self._options)
        except LakeError:
            # A removal that was cut off in an object store leaves a log that nobody can read.
            if has_remnant(uri, self._options):
                return REMNANT
            raise
        if table is None:
            return REMNANT if has_remnant(uri, self._options) else ABSENT
        attributes: dict[str, Json] = {PARTITION: list(table.partition_by)}
        attributes |= {PROPERTIES + name: value for name, value in table.properties.items()}
        return Observed(
            exists=True,
            identity=table.id,
            attributes=attributes,
            facts={"rows": table.num_rows, "bytes": table.size_bytes, "files": table.num_files},
            columns=table.columns,
            is_ours=table.has_system_columns,
        )
