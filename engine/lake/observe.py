"""What a Delta table is like, from its metadata alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from engine.decode.system_columns import CURRENT_COLUMNS, struct_of
from engine.lake.delta_errors import reading
from engine.lake.table_types import table_schema
from engine.spec.types import Struct


@dataclass(frozen=True, slots=True)
class ObservedTable:
    """A table as it is now. ``id`` changes when it is dropped and made again; ``num_rows`` and
    ``size_bytes`` (Parquet) come from the Delta log, no data is read.
    """

    id: str
    version: int
    columns: Struct
    has_system_columns: bool
    partition_by: tuple[str, ...]
    properties: Mapping[str, str]
    num_files: int
    size_bytes: int
    num_rows: int


def observe_table(uri: str, storage_options: Mapping[str, str] | None = None) -> ObservedTable | None:
    """The table at ``uri``; None when there is none.

    Raises:
        LakeError: there is one that cannot be read, or it has types that oplake never writes.
    """
    with reading(uri):
        try:
            table = DeltaTable(uri, storage_options=dict(storage_options or {}))
        except TableNotFoundError:
            return None
        schema = table_schema(table)
        metadata = table.metadata()
        files = pa.table(table.get_add_actions(flatten=True))
    return ObservedTable(
        id=str(metadata.id),
        version=table.version(),
        columns=struct_of(schema),
        has_system_columns=set(CURRENT_COLUMNS.names) <= set(schema.names),
        partition_by=tuple(metadata.partition_columns),
        properties=dict(metadata.configuration),
        num_files=files.num_rows,
        size_bytes=_total(files, "size_bytes"),
        num_rows=_total(files, "num_records"),
    )


def files_size(table: DeltaTable) -> int:
    """Bytes of the Parquet files that the held snapshot of a table names; reads no file."""
    return _total(pa.table(table.get_add_actions(flatten=True)), "size_bytes")


def _total(files: pa.Table, column: str) -> int:
    return int(pc.sum(files.column(column)).as_py() or 0)
