"""Rows as a Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import QueryError
from engine.query.json_output import check_names
from engine.query.run import Rows

_GROUP_ROWS = 65_536


def write_parquet(rows: Rows, where: Path | BinaryIO) -> int:
    """Write the rows in groups and return how many there were.

    Raises:
        QueryError: two columns have one name, the query fails on the way, or Parquet lacks a column's type.
    """
    check_names(rows.schema.names)
    try:
        writer = pq.ParquetWriter(where, rows.schema, compression="zstd")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise QueryError(
            f"a column's type has no Parquet form: {error}", remedy="cast it: CAST(column AS VARCHAR)"
        ) from error
    total, held = 0, [rows.schema.empty_table()]
    with writer:
        for batch in rows.batches:
            held.append(pa.Table.from_batches([batch]))
            total += batch.num_rows
            if sum(part.num_rows for part in held) >= _GROUP_ROWS:
                writer.write_table(pa.concat_tables(held))
                held = []
        if held:
            writer.write_table(pa.concat_tables(held))
    return total
