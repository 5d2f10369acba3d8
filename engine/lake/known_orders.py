"""Which changes a log holds already."""

from __future__ import annotations

from collections.abc import Set

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.lake.delta_errors import reading
from engine.lake.matching_rows import text_literal


def known_orders(log: DeltaTable, orders: Set[str]) -> frozenset[str]:
    """Those of these ``_position`` texts that have a row.

    File statistics leave unread what lies outside their range. Their texts are shorter than what Delta cuts off.

    Raises:
        LakeError: the log cannot be read.
    """
    if not orders:
        return frozenset()
    between = f"_position >= {text_literal(min(orders))} AND _position <= {text_literal(max(orders))}"
    wanted = pa.array(sorted(orders), pa.string())
    found: set[str] = set()
    with reading(log.table_uri):
        for batch in pa.RecordBatchReader.from_stream(log.scan(columns=["_position"], predicate=between)):
            positions = batch.column(0).cast(pa.string())
            found.update(positions.filter(pc.is_in(positions, wanted)).to_pylist())
    return frozenset(found)
