"""Wider numeric columns: int32 to int64 to double, where every value stays the number it is.

deltalake 1.6.6 has no type widening (``delta.enableTypeWidening`` is refused), so the table is rewritten in one
commit. Positions are ``txn`` actions of earlier commits and stay valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from engine.decode.arrow_types import arrow_field
from engine.decode.narrowed import narrower_before, remember, retyped
from engine.decode.system_columns import RESCUED, struct_of
from engine.decode.widths import wider
from engine.errors import LakeError, OplakeError
from engine.lake.commit import commit_properties
from engine.lake.delta_errors import committing, reading
from engine.lake.table_types import plain_table, table_schema, unsliced
from engine.spec.types import ColumnType, ListOf, MapOf, Struct
from engine.telemetry.crash_points import reach


class WideningRefused(LakeError):
    """A value of the table would become another number in the wider column; nothing was written.

    Recovery: keep the column as it is, and the new values in ``_rescued``.
    """

    code = "widening-refused"


def widened(columns: Struct, widenings: Mapping[str, ColumnType]) -> Struct:
    """The columns with wider types at these paths (field names joined by dots; lists and maps add nothing)."""
    return retyped(columns, lambda path, scalar: wider(scalar, widenings[path]) if path in widenings else scalar)


def widest(first: Struct, second: Struct) -> Struct:
    """The columns of the first, each as wide as it is in either."""
    return Struct(
        {
            name: _widest(column, second.fields[name]) if name in second.fields else column
            for name, column in first.fields.items()
        }
    )


def rewrite_as(table: DeltaTable, columns: Struct) -> None:
    """Rewrite a table with wider or more columns, in one commit; nothing else about it changes.

    Each row notes in ``_rescued`` which narrower types its numbers had, so that its document still comes back.

    Args:
        columns: all of the table's document columns, as they shall be.

    Raises:
        WideningRefused: a value cannot be held exactly.
        CommitConflict: another writer was first.
    """
    schema = _schema_with(table_schema(table), columns)
    with reading(table.table_uri):
        batches = pa.RecordBatchReader.from_stream(table.scan())
    casting = _Casting(schema, narrower_before(struct_of(table_schema(table)), columns))
    reach("lake.rewrite.before_commit")
    try:
        with committing(table.table_uri):
            write_deltalake(
                table,
                pa.RecordBatchReader.from_batches(schema, casting.of(batches)),
                mode="overwrite",
                schema_mode="overwrite",
                commit_properties=commit_properties({}, note="columns", exclusive=True),
            )
    except OplakeError:
        if casting.refusal is None:
            raise
        raise WideningRefused(
            "the column holds integers that a double cannot hold exactly",
            where=table.table_uri,
            remedy="pin the column's type, or set `on_conflict: rescue`; new values are kept in _rescued until then",
        ) from casting.refusal
    reach("lake.rewrite.after_commit")
    table.update_incremental()


class _Casting:
    """Casts batches on their way into the table; remembers a value that could not be cast exactly."""

    def __init__(self, schema: pa.Schema, was: Mapping[str, str]) -> None:
        self._schema = schema
        self._was = was
        self.refusal: pa.ArrowInvalid | None = None

    def of(self, batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            try:
                rows = plain_table(pa.Table.from_batches([batch]), self._schema)
            except pa.ArrowInvalid as error:
                self.refusal = error
                raise
            yield from unsliced(self._noted(rows)).to_batches()

    def _noted(self, rows: pa.Table) -> pa.Table:
        if not self._was:
            return rows
        at = rows.schema.get_field_index(RESCUED.name)
        return rows.set_column(at, rows.schema.field(at), remember(rows.column(at), self._was))


def _schema_with(schema: pa.Schema, columns: Struct) -> pa.Schema:
    """The table's schema, order and system columns included, with these types; new columns stand last."""
    own = struct_of(schema).fields
    fields = [arrow_field(field.name, columns.fields[field.name]) if field.name in own else field for field in schema]
    new = [arrow_field(name, column) for name, column in columns.fields.items() if name not in own]
    return pa.schema([*fields, *new])


def _widest(first: ColumnType, second: ColumnType) -> ColumnType:
    if isinstance(first, Struct) and isinstance(second, Struct):
        return widest(first, second)
    if isinstance(first, ListOf) and isinstance(second, ListOf):
        return ListOf(_widest(first.element, second.element))
    if isinstance(first, MapOf) and isinstance(second, MapOf):
        return MapOf(_widest(first.value, second.value))
    return wider(first, second)
