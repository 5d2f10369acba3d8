"""Built columns and a batch's own facts, put together as rows of the change log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from engine.decode import system_columns
from engine.decode.arrow_types import arrow_field
from engine.decode.shred import Column
from engine.source.batch import Batch


def log_table(
    built: Mapping[str, Column],
    batch: Batch,
    ids: Sequence[str] | pa.Array,
    rescued: Sequence[str | None],
    ingested_at: datetime,
) -> pa.Table:
    """The document columns, then ``system_columns.LOG_COLUMNS``; one row a change, in batch order.

    Args:
        built: document columns, one entry a change.
        batch: where the changes come from.
        ids: the text of each change's ``_id``.
        rescued: what the columns cannot tell, a text for each change.
        ingested_at: aware.
    """
    count, instant = len(batch), pa.scalar(ingested_at, system_columns.INSTANT)
    system = [
        pa.array(ids, pa.string()),
        pa.array(batch.operations, pa.string()),
        pa.array(batch.source_times_us, pa.int64()).cast(system_columns.INSTANT),
        pa.array(batch.orders, pa.string()),
        pa.repeat(instant, count),
        pa.repeat(instant.cast(pa.date32()), count),
        pa.array(rescued, pa.string()),
    ]
    fields = [arrow_field(name, column.type) for name, column in built.items()]
    arrays = [column.array for column in built.values()]
    return pa.Table.from_arrays([*arrays, *system], schema=pa.schema([*fields, *system_columns.LOG_COLUMNS]))
