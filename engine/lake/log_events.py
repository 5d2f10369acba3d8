"""What a change log knows about some documents beyond the rows that are being folded.

A folded table forgets: the current table drops a deleted document, the history table keeps no delete. So a
row that arrives after a later change of its document was folded is put in its place with the log's help.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from engine.decode.system_columns import ID, NO_IMAGE, OPERATION, POSITION, RESCUED, SOURCE_TIME
from engine.lake.matching_rows import matching_rows, text_literal
from engine.lake.row_order import in_order

DELETE = pa.schema([ID, POSITION])
EVENT = pa.schema([ID, POSITION, OPERATION, SOURCE_TIME])


def deletes_after(log: DeltaTable, ids: pa.Array, position: str) -> pa.Table:
    """The deletes of these documents after a position (exclusive): ``_id``, ``_position``, in no order.

    In a stream that arrives in order, file statistics leave none but the newest files to be read.
    """
    return matching_rows(log, ids, DELETE, f"_op = 'd' AND _position > {text_literal(position)}")


def events_of(log: DeltaTable, ids: pa.Array) -> pa.Table:
    """All changes of these documents by document and position, each once.

    Returns:
        ``_id``, ``_position``, ``_op``, ``_source_ts``; updates without an image are left out.
    """
    rows = matching_rows(log, ids, pa.schema([*EVENT, RESCUED]), None)
    return in_order(with_image(rows).select(EVENT.names))


def with_image(rows: pa.Table) -> pa.Table:
    """The rows without updates whose document was already gone: the delete that follows says it all."""
    gone = pc.fill_null(pc.equal(rows.column("_rescued"), NO_IMAGE), fill_value=False)
    return rows.filter(pc.invert(gone)) if pc.any(gone).as_py() else rows
