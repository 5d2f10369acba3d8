"""Documents without changes around them give the columns that a change log has of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.decode.document_rows import document_rows
from engine.decode.rules import DecodeRules
from engine.spec.types import Scalar, Struct
from tests.decode import bson_strategies as bs
from tests.decode.batches import decode


@given(st.lists(bs.documents(), max_size=4), st.lists(bs.documents(), max_size=4))
def test_the_rows_are_those_of_the_change_log(first: list[bytes], documents: list[bytes]) -> None:
    columns = decode(first).columns
    rules = DecodeRules(masks={("a",): "redact"})
    rows, log = document_rows(documents, columns, rules), decode(documents, columns, rules)
    assert rows.table.column_names == [*log.columns.fields, "_id", "_rescued"]
    assert str(rows.table.to_pylist()) == str(log.table.select(rows.table.column_names).to_pylist())
    assert (rows.columns, rows.rescued) == (log.columns, log.rescued)


def test_a_table_of_no_documents_has_the_columns_all_the_same() -> None:
    rows = document_rows([], Struct({"v": Scalar.INT32}))
    assert (rows.table.num_rows, rows.table.column_names) == (0, ["v", "_id", "_rescued"])
