"""What goes wrong is told with its place and with what might be meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from engine.errors import QueryError
from engine.query.catalogue import Lake
from engine.query.failures import with_cause
from engine.query.run import Query, run_query
from tests.query.lakes import SmallLake


def failure(lake: SmallLake, sql: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        lake.rows(sql)
    return caught.value


def test_an_unknown_table_suggests_the_nearest_and_lists_all(orders: SmallLake) -> None:
    error = failure(orders, "select 1\nfrom ordrs__changes")
    assert error.what.splitlines() == [
        "there is no table 'ordrs__changes'",
        "  2 | from ordrs__changes",
        "    |      ^",
    ]
    assert error.where == "line 2, column 6"
    assert "did you mean `orders__changes`?" in error.remedy
    assert "orders__history" in error.remedy


def test_an_unknown_column_suggests_columns_with_the_caret_after_letters_of_many_bytes(
    orders: SmallLake,
) -> None:
    error = failure(orders, "select 'ünï', nn from orders")
    assert error.where == "line 1, column 15"
    assert error.what.splitlines()[2] == "    | " + " " * 14 + "^"
    assert "n" in error.remedy


def test_a_syntax_error_shows_its_line(orders: SmallLake) -> None:
    error = failure(orders, "select n,\n  from from orders")
    assert error.where.startswith("line 2")
    assert "syntax error" in error.what


def test_a_place_is_right_under_explain_too(orders: SmallLake) -> None:
    with pytest.raises(QueryError) as caught:
        orders.explain("select nn from orders")
    assert caught.value.where == "line 1, column 8"


def test_an_error_in_the_middle_of_the_rows_is_told(orders: SmallLake) -> None:
    sql = "select cast(case when range = 500000 then 'x' else '1' end as int) from range(1000000)"
    assert "Could not convert string 'x' to INT32" in failure(orders, sql).what


def test_the_cause_is_told_where_duckdb_tells_only_of_the_thread_that_it_stopped() -> None:
    attempts = iter([OSError("INTERRUPT Error: Interrupted!"), OSError("Conversion Error: no number")])

    with pytest.raises(OSError, match="no number"):
        list(with_cause(stream(OSError("INTERRUPT Error: Interrupted!")), lambda: stream(next(attempts))))


def test_an_interrupt_from_outside_is_told_as_one() -> None:
    with pytest.raises(OSError, match="first"):
        list(with_cause(stream(OSError("INTERRUPT Error: first")), lambda: stream(OSError("INTERRUPT Error: again"))))


def stream(error: Exception) -> Iterator[pa.RecordBatch]:
    yield pa.record_batch({"n": [1]})
    raise error


def test_an_unknown_function_suggests_one(orders: SmallLake) -> None:
    assert "lower" in failure(orders, "select lowr('A')").what


def test_a_refused_statement_says_what_is_allowed(orders: SmallLake) -> None:
    error = failure(orders, "drop view orders")
    assert error.what == "DROP statements are refused"
    assert "only reads" in error.remedy
    assert "--explain" in failure(orders, "explain select 1").remedy
    assert "found 2" in failure(orders, "select 1; select 2").what


def test_a_table_of_the_specs_that_is_not_applied_yet_names_the_command(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"), modes={"orders": "current"})
    with (
        pytest.raises(QueryError, match="not in the lake yet") as caught,
        run_query(Query("select * from orders", lake, tmp_path / "tmp")),
    ):
        pass
    assert "oplake apply" in caught.value.remedy


def test_an_empty_lake_says_so(tmp_path: Path) -> None:
    error = failure(SmallLake(tmp_path), "select * from orders")
    assert "no tables yet" in error.remedy
