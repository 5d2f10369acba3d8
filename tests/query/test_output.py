"""Rows as CSV, JSON, Parquet and tables, each read back by something else."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import QueryError
from engine.query.arrow_output import write_arrow
from engine.query.csv_output import write_csv
from engine.query.json_output import write_json
from engine.query.parquet_output import write_parquet
from engine.query.run import run_query
from engine.query.table_output import write_table
from tests.query.lakes import SmallLake

ODD = """select * from (values (1, 'a "b", c'), (2, ''), (3, null), (4, E'two\\nlines')) t(n, s) order by n"""


def as_csv(lake: SmallLake, sql: str) -> str:
    out = io.StringIO(newline="")
    with run_query(lake.query(sql)) as rows:
        write_csv(rows, out)
    return out.getvalue()


def as_json(lake: SmallLake, sql: str) -> str:
    out = io.StringIO()
    with run_query(lake.query(sql)) as rows:
        write_json(rows, out)
    return out.getvalue()


def as_table(lake: SmallLake, sql: str, *, max_rows: int = 100, width: int = 80) -> str:
    out = io.StringIO()
    with run_query(lake.query(sql)) as rows:
        write_table(rows, out, max_rows, width=width)
    return out.getvalue()


def test_csv_is_rfc_4180_and_tells_null_from_empty(orders: SmallLake) -> None:
    text = as_csv(orders, ODD)
    assert text.split("\r\n") == ["n,s", '1,"a ""b"", c"', '2,""', "3,", '4,"two\nlines"', ""]
    assert list(csv.reader(io.StringIO(text, newline="")))[1] == ["1", 'a "b", c']


def test_json_is_one_array_that_any_reader_takes(orders: SmallLake) -> None:
    sql = "select 1 n, 'nan'::double d, 1.50::decimal(38, 10) m, timestamptz '2024-01-01 00:00:00Z' t, [1] l"
    wanted = {"n": 1, "d": "NaN", "m": "1.5000000000", "t": "2024-01-01T00:00:00Z", "l": [1]}
    assert json.loads(as_json(orders, sql)) == [wanted]
    assert json.loads(as_json(orders, "select 1 x where false")) == []
    assert len(json.loads(as_json(orders, "select range from range(20000)"))) == 20_000


def test_a_column_of_json_is_embedded_and_text_that_looks_like_it_is_not(orders: SmallLake) -> None:
    sql = """select '{"a": [1]}'::json j, '{"a": [1]}' s, null::json none_at_all"""
    assert json.loads(as_json(orders, sql)) == [{"j": {"a": [1]}, "s": '{"a": [1]}', "none_at_all": None}]


def test_two_columns_of_one_name_are_refused_where_a_reader_would_see_one(orders: SmallLake, tmp_path: Path) -> None:
    sql = "select 1 as a, 2 as a"
    with pytest.raises(QueryError, match="more than one column called a"):
        as_json(orders, sql)
    with (
        pytest.raises(QueryError, match="more than one column called a"),
        run_query(orders.query(sql)) as rows,
    ):
        write_parquet(rows, tmp_path / "x.parquet")
    assert as_csv(orders, sql).startswith("a,a")


def test_parquet_holds_the_same_rows_and_types(orders: SmallLake, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    with run_query(orders.query("select _id, n, place, _source_ts from orders order by _id")) as rows:
        assert write_parquet(rows, path) == 2
    table = pq.read_table(path)
    assert table.column("place").to_pylist() == [{"city": "Bergen"}, None]
    assert str(table.schema.field("_source_ts").type) == "timestamp[us, tz=UTC]"


def test_parquet_of_many_or_no_rows_is_written_in_groups(orders: SmallLake, tmp_path: Path) -> None:
    for count in (0, 200_000):
        path = tmp_path / f"{count}.parquet"
        with run_query(orders.query(f"select range from range({count})")) as rows:  # noqa: S608
            assert write_parquet(rows, path) == count
        assert pq.read_table(path).num_rows == count
    assert pq.ParquetFile(tmp_path / "200000.parquet").num_row_groups > 1


@pytest.mark.parametrize("count", [0, 2, 200_000])
def test_an_arrow_stream_holds_the_same_rows_and_types(orders: SmallLake, count: int) -> None:
    stream = io.BytesIO()
    with run_query(orders.query(f"select range as r, now() as at from range({count})")) as rows:  # noqa: S608
        assert write_arrow(rows, stream) == count
    table = pa.ipc.open_stream(stream.getvalue()).read_all()
    assert table.column("r").to_pylist() == list(range(count))
    assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"


def test_a_table_shows_its_first_rows_and_says_that_there_are_more(orders: SmallLake) -> None:
    text = as_table(orders, "select range as r from range(20000)", max_rows=3)
    assert "the first 3 rows" in text
    assert "│ 2 │" in text
    assert "│ 3 │" not in text
    assert "(1 row)" in as_table(orders, "select 1 as x", max_rows=1)
    assert "(0 rows)" in as_table(orders, "select 1 as x where false")


def test_a_table_wider_than_the_terminal_becomes_a_list_of_fields(orders: SmallLake) -> None:
    text = as_table(orders, "select * from orders order by _id", width=40)
    assert "row 1" in text
    assert max(map(len, text.splitlines())) <= 40
    assert "_ingested_at" in text


def test_a_value_cannot_steer_the_terminal_or_the_markup(orders: SmallLake) -> None:
    text = as_table(orders, "select chr(27) || '[31m[red]x' as \"[bold]n\", chr(155) || 'c' as d")
    assert "\x1b" not in text
    assert "\x9b" not in text
    assert "[red]x" in text
    assert "[bold]n" in text
