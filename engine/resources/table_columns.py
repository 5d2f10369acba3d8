"""The columns a new table starts with: what a sample told, and the columns it is partitioned by."""

from __future__ import annotations

from engine.resources.collection import Sample
from engine.resources.columns import columns_to_json
from engine.resources.partitions import partitions
from engine.spec.pipeline import Pipeline, pinned_type
from engine.spec.types import ColumnType, Scalar, Struct
from engine.state.canonical import Json

UNSORTABLE = frozenset({Scalar.JSON, Scalar.BINARY})


def partition_columns(pipeline: Pipeline) -> dict[str, ColumnType]:
    """Declared partition columns and the types that the spec settles for them."""
    log, fold = partitions(pipeline)
    types = {name: _declared(pipeline, name) for name in (*log, *fold)}
    return {name: column for name, column in types.items() if column is not None}


def unsettled_partitions(pipeline: Pipeline) -> tuple[str, ...]:
    """Declared partition columns that cannot be one: no type is settled, or none that partitions."""
    rules = pipeline.table.fields
    bad = []
    for name in pipeline.table.partition_by:
        if name in rules:
            column = _declared(pipeline, name)
            if not isinstance(column, Scalar) or column in UNSORTABLE:
                bad.append(name)
    return tuple(bad)


def _declared(pipeline: Pipeline, name: str) -> ColumnType | None:
    rule = pipeline.table.fields.get(name)
    if rule is None or rule.as_map:
        return None
    return Scalar.STRING if rule.mask == "sha256" else pinned_type(rule)


def log_columns(sample: Sample, pipeline: Pipeline) -> dict[str, Json]:
    """What a plan holds on a new change log: ``columns``, ``sampled``, ``conflicts``, ``misfits``."""
    columns = with_partitions(sample.columns, pipeline)
    conflicts: dict[str, Json] = {path: dict(types) for path, types in sample.conflicts.items()}
    return {
        "columns": columns_to_json(columns),
        "sampled": sample.sampled,
        "conflicts": conflicts,
        "misfits": dict(sample.misfits),
    }


def folded_columns(log: Struct | None, pipeline: Pipeline) -> dict[str, Json]:
    """What a plan holds on a new folded table: the log's ``columns``."""
    return {"columns": columns_to_json(with_partitions(log or Struct({}), pipeline))}


def with_partitions(columns: Struct, pipeline: Pipeline) -> Struct:
    """The columns and those partition columns that no document has had yet.

    A partition column takes its name from a field that differs from it in capitals only: such a field is rescued.
    """
    partitioning = partition_columns(pipeline)
    exact = {name.casefold(): name for name in partitioning}
    fields = {name: column for name, column in columns.fields.items() if exact.get(name.casefold(), name) == name}
    return Struct({**fields, **{name: column for name, column in partitioning.items() if name not in fields}})
