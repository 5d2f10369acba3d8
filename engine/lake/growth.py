"""New columns for a table that has rows already.

A zero-row append with ``schema_mode="merge"`` adds a field at any depth without touching a file, but for one
place: deltalake 1.6.6 cannot read a file whose map has fewer fields in its values than the table says, and then
scans, change feeds, merges and compactions of the whole table fail. Such a table is rewritten instead.
"""

from __future__ import annotations

from deltalake import DeltaTable

from engine.decode.arrow_types import arrow_schema
from engine.decode.system_columns import struct_of
from engine.errors import InternalError
from engine.lake.commit import append_rows
from engine.lake.table_types import table_schema
from engine.lake.widening import rewrite_as
from engine.spec.types import ColumnType, ListOf, MapOf, Struct, format_type
from engine.telemetry.crash_points import reach


def grow(table: DeltaTable, columns: Struct) -> bool:
    """Add the columns, at any depth, that the table does not have yet; returns whether there were any.

    Raises:
        CommitConflict: another writer was first.
        InternalError: a column is asked for with another type than it has.
    """
    own = struct_of(table_schema(table))
    wanted = grown(own, columns)
    if wanted == own:
        return False
    reach("lake.evolve.before_commit")
    if _grows_in_a_map(own, wanted):
        rewrite_as(table, wanted)
    else:
        append_rows(table, arrow_schema(wanted).empty_table(), {}, evolve=True)
    reach("lake.evolve.after_commit")
    return True


def grown(own: Struct, more: Struct, path: str = "") -> Struct:
    """All fields of both, those of ``own`` first and in its order.

    Raises:
        InternalError: a field has a different type in each.
    """
    fields = {name: _grown(own.fields.get(name), column, f"{path}{name}") for name, column in more.fields.items()}
    return Struct({name: fields.get(name, column) for name, column in own.fields.items()} | fields)


def _grown(own: ColumnType | None, more: ColumnType, path: str) -> ColumnType:
    if own is None or own == more:
        return more
    match own, more:
        case Struct(), Struct():
            return grown(own, more, f"{path}.")
        case ListOf(element), ListOf(other):
            return ListOf(_grown(element, other, path))
        case MapOf(value), MapOf(other):
            return MapOf(_grown(value, other, path))
    raise InternalError(f"column {path} is asked for as {format_type(more)} where it is {format_type(own)}")


def _grows_in_a_map(own: ColumnType, wanted: ColumnType) -> bool:
    match own, wanted:
        case Struct(fields), Struct(more):
            return any(_grows_in_a_map(column, more[name]) for name, column in fields.items())
        case ListOf(element), ListOf(other):
            return _grows_in_a_map(element, other)
        case MapOf(value), MapOf(other):
            return value != other
    return False
