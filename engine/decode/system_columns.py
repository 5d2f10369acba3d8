"""The columns oplake adds to a document's own, and the schemas of the three kinds of table."""

from __future__ import annotations

import pyarrow as pa

from engine.decode.arrow_types import arrow_schema, column_of
from engine.spec.types import Struct

INSTANT = pa.timestamp("us", tz="UTC")

ID = pa.field("_id", pa.string())
OPERATION = pa.field("_op", pa.string())
SOURCE_TIME = pa.field("_source_ts", INSTANT)
POSITION = pa.field("_position", pa.string())
INGESTED_AT = pa.field("_ingested_at", INSTANT)
INGESTION_DATE = pa.field("_ingestion_date", pa.date32())
RESCUED = pa.field("_rescued", pa.string())

LOG_COLUMNS = pa.schema([ID, OPERATION, SOURCE_TIME, POSITION, INGESTED_AT, INGESTION_DATE, RESCUED])
CURRENT_COLUMNS = pa.schema([ID, SOURCE_TIME, POSITION, INGESTED_AT, RESCUED])
HISTORY_COLUMNS = pa.schema(
    [
        ID,
        OPERATION,
        SOURCE_TIME,
        POSITION,
        INGESTED_AT,
        RESCUED,
        pa.field("_valid_from", INSTANT),
        pa.field("_valid_to", INSTANT),
        pa.field("_is_current", pa.bool_()),
    ]
)
_CHANGE_FEED_NAMES = frozenset({"_change_type", "_commit_version", "_commit_timestamp"})

RESERVED_NAMES = frozenset({*LOG_COLUMNS.names, *HISTORY_COLUMNS.names, *_CHANGE_FEED_NAMES})
"""Names (lower case) that a document's own top-level field cannot have as a column."""

MERGE_PREFIX = "__delta_rs_"
"""What deltalake 1.6.6's MERGE calls columns of its own: it fails for ever on a table that has one of them."""

NO_IMAGE = '{"\\\\no_image":true}'
"""``_rescued`` of an update whose looked-up document was gone: the delete that follows tells the rest."""


def log_schema(columns: Struct) -> pa.Schema:
    """The change log: a document's columns, then ``LOG_COLUMNS``."""
    return _with_system_columns(columns, LOG_COLUMNS)


def current_schema(columns: Struct) -> pa.Schema:
    """The current table: one row a document."""
    return _with_system_columns(columns, CURRENT_COLUMNS)


def history_schema(columns: Struct) -> pa.Schema:
    """The history table (SCD2): one row a version of a document."""
    return _with_system_columns(columns, HISTORY_COLUMNS)


def _with_system_columns(columns: Struct, system: pa.Schema) -> pa.Schema:
    return pa.schema([*arrow_schema(columns), *system])


def struct_of(schema: pa.Schema) -> Struct:
    """The document columns of any of the three tables' schemas.

    Raises:
        LakeError: a column has a type that oplake never writes.
    """
    return Struct({field.name: column_of(field) for field in schema if field.name.lower() not in RESERVED_NAMES})
