"""The types of a Delta table, and the check that rows have exactly them.

deltalake 1.6.6 coerces what it is given: 2.5 becomes 2 in an int column and True becomes 1, silently.
So nothing is handed to it whose types differ from the table's.
"""

from __future__ import annotations

import pyarrow as pa
from deltalake import DeltaTable

from engine.errors import InternalError

_PLAIN = {
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
}


def table_schema(table: DeltaTable) -> pa.Schema:
    """The table's schema in Arrow, with field metadata, in the table's own column order."""
    return pa.schema(table.schema().to_arrow())


def plain_type(data_type: pa.DataType) -> pa.DataType:
    """The type without what Delta cannot see: nullability, metadata, and how Arrow lays a string out."""
    if pa.types.is_struct(data_type):
        return pa.struct([pa.field(child.name, plain_type(child.type)) for child in data_type])
    if pa.types.is_map(data_type):
        return pa.map_(plain_type(data_type.key_type), plain_type(data_type.item_type))
    if pa.types.is_list(data_type) or pa.types.is_large_list(data_type):
        return pa.list_(plain_type(data_type.value_type))
    return _PLAIN.get(data_type, data_type)


def in_table_order(rows: pa.Table, schema: pa.Schema, where: str) -> pa.Table:
    """The rows with their columns in the table's order, once every name and type is the table's own.

    Raises:
        InternalError: a column is missing, too many, or of another type; nothing has been written.
    """
    given = {field.name: field.type for field in rows.schema}
    wrong = [_difference(field, given) for field in schema]
    wrong += [f"{name} is no column of the table" for name in given if name not in schema.names]
    told = [text for text in wrong if text]
    if told or len(given) != rows.num_columns:
        raise InternalError("rows do not have the table's types: " + "; ".join(told), where=where)
    return rows.select(schema.names)


def plain_table(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows that deltalake read (string views, columns in any order) as the schema has them.

    Columns and nested fields that the rows lack, because the table got them later, are null.

    Raises:
        pa.ArrowInvalid: a value cannot be held exactly by a wider numeric type.
    """
    missing = [field for field in schema if field.name not in rows.column_names]
    for field in missing:
        rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows.select(schema.names).cast(schema)


def unsliced(rows: pa.Table) -> pa.Table:
    """The same rows in arrays that begin at their buffers' first value, and that no batch of them is a slice of.

    deltalake 1.6.6 aborts the process on a struct with nulls, and a struct inside, that is a slice of a longer array.
    A table whose columns are not cut at the same rows is sliced when it is handed on as batches.
    """
    cuts = {tuple(map(len, column.chunks)) for column in rows.columns}
    for index, column in enumerate(rows.columns):
        if len(cuts) > 1 or any(chunk.offset for chunk in column.chunks):
            parts = [column.chunks] if len(cuts) > 1 else [[chunk] for chunk in column.chunks]
            copied = [pa.concat_arrays(part) for part in parts if part]
            rows = rows.set_column(index, rows.schema.field(index), pa.chunked_array(copied, column.type))
    return rows


def _difference(field: pa.Field, given: dict[str, pa.DataType]) -> str:
    if field.name not in given:
        return f"{field.name} is missing"
    if plain_type(given[field.name]) == plain_type(field.type):
        return ""
    return f"{field.name} is {given[field.name]} where the table has {field.type}"
