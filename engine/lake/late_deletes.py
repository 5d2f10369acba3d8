"""Deletes that stand later in a log than a row that is about to be folded.

A folded table forgets a deleted document, so it cannot know that a row arriving now was deleted before it
arrived. The log does know. Its file statistics leave only files with such deletes to be read, which in a
stream that arrives in order are none but the newest.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.lake.delta_errors import reading


def deletes_after(log: DeltaTable, ids: pa.Array, position: str) -> pa.Table:
    """The deletes of these documents after a position.

    Args:
        ids: ``_id`` texts, distinct or not.
        position: exclusive.

    Returns:
        ``_id``, ``_position``: one row a delete, in no order.
    """
    quoted = position.replace("'", "''")
    found = [_EMPTY]
    with reading(log.table_uri):
        scan = log.scan(columns=_EMPTY.schema.names, predicate=f"_op = 'd' AND _position > '{quoted}'")
        for batch in pa.RecordBatchReader.from_stream(scan):
            rows = pa.Table.from_batches([batch]).cast(_EMPTY.schema)
            found.append(rows.filter(pc.is_in(rows.column("_id"), ids)))
    return pa.concat_tables(found)


_EMPTY = pa.schema([("_id", pa.string()), ("_position", pa.string())]).empty_table()
