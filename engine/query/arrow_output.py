"""Rows as an Arrow IPC stream, which pyarrow, pandas, polars, DuckDB and Spark read without a copy."""

from __future__ import annotations

from typing import BinaryIO

import pyarrow as pa

from engine.query.json_output import check_names
from engine.query.run import Rows


def write_arrow(rows: Rows, stream: BinaryIO) -> int:
    """Write each batch as it comes and return how many rows there were.

    Source: the streaming format of https://arrow.apache.org/docs/format/Columnar.html.

    Raises:
        QueryError: two columns have one name, or the query fails on the way.
    """
    check_names(rows.schema.names)
    total = 0
    with pa.ipc.new_stream(stream, rows.schema) as writer:
        for batch in rows.batches:
            writer.write_batch(batch)
            total += batch.num_rows
    return total
