"""What the Delta tables of a pipeline are partitioned by.

A module of its own: workers need it too, and everything else here would load the state database with it.
"""

from __future__ import annotations

from engine.lake.layout import HISTORY_PARTITION
from engine.spec.pipeline import Pipeline

DEFAULT_LOG_PARTITION = ("_ingestion_date",)


def partitions(pipeline: Pipeline) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Partition columns of the log and of the folded table.

    System columns partition the log, declared fields the folded table; without a folded table the log takes
    both.
    """
    asked = pipeline.table.partition_by
    declared = tuple(name for name in asked if name not in DEFAULT_LOG_PARTITION)
    if pipeline.table.mode == "changes":
        return asked, ()
    return tuple(name for name in asked if name not in declared), declared


def folded_partition(pipeline: Pipeline) -> tuple[str, ...]:
    """All partition columns of the folded table: a history keeps its current versions apart."""
    declared = partitions(pipeline)[1]
    return (*declared, HISTORY_PARTITION) if pipeline.table.mode == "history" else declared
