"""The tables that a pipeline asks for, one set for each collection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from engine.lake.layout import TablePaths
from engine.resources.attributes import flatten, interval_text
from engine.resources.partitions import folded_partition, partitions
from engine.resources.resource import Desired
from engine.resources.table_compare import TOPICS
from engine.spec.pipeline import Pipeline
from engine.spec.target import Target
from engine.state.canonical import Json

KIND = "table"
LEAST_LOG_RETENTION = timedelta(days=30)
"""Delta's default. When commits are cleaned away before they were folded, a fold has to read the whole log:
so a short ``vacuum.retain`` shortens the life of files, not of commits."""

_HANDLED = frozenset(
    {
        "pipeline",
        "target",
        "source.collections",
        "table.name",
        "table.mode",
        "table.partition_by",
        "table.maintenance.vacuum.retain",
        "source.connector",
    }
)
"""What attributes of their own carry, or what only says which tables there are."""
_HANDLED_BELOW = ("table.fields.", "source.connector.")
_OF_THE_FOLD = ("table.fold.",)


def is_log(address: str) -> bool:
    """Whether a resource is a change log; else it is folded from one."""
    return address.endswith(".log")


def tables_of(
    pipeline: Pipeline, namespace: str, target: Target, root: Path, topics: tuple[str, ...] = ()
) -> tuple[Desired, ...]:
    """The change log of one collection and, unless the mode is ``changes``, what is folded from it.

    Args:
        topics: addresses of the Kafka topics that the log is made from.
    """
    name = pipeline.table_name(namespace)
    paths = TablePaths(target.lake.location(root), name)
    log = Desired(
        address=f"table.{name}.log",
        kind=KIND,
        title=f"{name}/changes",
        pipeline=pipeline.pipeline,
        attributes=_log_attributes(pipeline, namespace, target, paths) | ({TOPICS: list(topics)} if topics else {}),
        depends_on=topics,
    )
    mode = pipeline.table.mode
    if mode == "changes":
        return (log,)
    fold = Desired(
        address=f"table.{name}.fold",
        kind=KIND,
        title=f"{name}/{mode}",
        pipeline=pipeline.pipeline,
        attributes=_fold_attributes(pipeline, namespace, paths),
        depends_on=(log.address,),
    )
    return log, fold


def _log_attributes(pipeline: Pipeline, namespace: str, target: Target, paths: TablePaths) -> dict[str, Json]:
    from engine.lake.change_log import LOG_PROPERTIES  # noqa: PLC0415  pyarrow and deltalake load late

    properties = dict(LOG_PROPERTIES) | _retention(pipeline)
    rules: dict[str, Json] = {f"fields.{path}": rule for path, rule in _rules(pipeline).items()}
    return (
        _common(paths.changes, namespace, partitions(pipeline)[0], properties)
        | rules
        | {path: value for path, value in _settings(pipeline) if not path.startswith(_OF_THE_FOLD)}
        | {"mongodb.uri": f"sha256:{target.mongodb.uri.digest()}"}
    )


def _fold_attributes(pipeline: Pipeline, namespace: str, paths: TablePaths) -> Mapping[str, Json]:
    mode = pipeline.table.mode
    uri = paths.current if mode == "current" else paths.history
    return (
        _common(uri, namespace, folded_partition(pipeline), _retention(pipeline))
        | {"mode": mode}
        | {path: value for path, value in _settings(pipeline) if path.startswith(_OF_THE_FOLD)}
    )


def _common(uri: str, namespace: str, partition_by: tuple[str, ...], properties: Mapping[str, str]) -> dict[str, Json]:
    fixed: dict[str, Json] = {"uri": uri, "namespace": namespace, "partition_by": list(partition_by)}
    return fixed | {f"properties.{name}": value for name, value in properties.items()}


def _retention(pipeline: Pipeline) -> dict[str, str]:
    retain = pipeline.table.maintenance.vacuum.retain
    return {
        "delta.deletedFileRetentionDuration": interval_text(int(retain.total_seconds())),
        "delta.logRetentionDuration": interval_text(int(max(retain, LEAST_LOG_RETENTION).total_seconds())),
    }


def _rules(pipeline: Pipeline) -> dict[str, Json]:
    rules: dict[str, Json] = {}
    for path, rule in pipeline.table.fields.items():
        dumped: dict[str, Json] = rule.model_dump(mode="json", by_alias=True, exclude_none=True)
        rules[path] = dumped
    return rules


def _settings(pipeline: Pipeline) -> list[tuple[str, Json]]:
    """Everything else the pipeline says, defaults included."""
    dumped: dict[str, Json] = pipeline.model_dump(mode="json", by_alias=True)
    return [
        (path, value) for path, value in flatten(dumped) if path not in _HANDLED and not path.startswith(_HANDLED_BELOW)
    ]
