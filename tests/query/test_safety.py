"""A query reads the lake's views and nothing else; each way out is tried."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from engine.errors import QueryError, UsageError
from engine.query.limits import Limits
from engine.query.run import _prepared
from tests.lake.changes import Change
from tests.query.lakes import SmallLake


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '/tmp/stolen.csv'",
        "copy orders to '{lake}/stolen.parquet'",
        "attach '/tmp/other.db'",
        "create table t as select 1",
        "create view v as select 1",
        "insert into orders values (1)",
        "update orders set n = 1",
        "delete from orders",
        "drop view orders",
        "set memory_limit = '90GB'",
        "reset memory_limit",
        "pragma memory_limit = '90GB'",
        "pragma database_list",
        "call pragma_version()",
        "install httpfs",
        "load '/tmp/evil.duckdb_extension'",
        "export database '/tmp/stolen'",
        "import database '/tmp/stolen'",
        "use memory",
        "vacuum",
        "checkpoint",
        "prepare p as select 1",
        "begin",
        "explain select 1",
        "explain analyze select 1",
        "select 1; select 2",
        "select 1; drop view orders",
        "",
        "  -- nothing",
    ],
)
def test_all_but_one_select_is_refused(orders: SmallLake, sql: str) -> None:
    with pytest.raises(QueryError):
        orders.rows(sql.format(lake=orders.root))
    assert not Path("/tmp/stolen.csv").exists()  # noqa: S108
    assert not (orders.root / "stolen.parquet").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from read_blob('/etc/passwd')",
        "select * from read_parquet('{lake}/orders/changes/**/*.parquet')",
        "select * from read_json_auto('{lake}/orders/changes/_delta_log/*.json')",
        "select * from '/etc/passwd'",
        "select * from '/etc/hosts.csv'",
        "select * from glob('/etc/*')",
        "select * from read_csv('https://example.com/x.csv')",
        "select * from read_parquet('s3://bucket/x.parquet')",
        "select * from delta_scan('{lake}/orders/changes')",
        "select * from delta_list_files('{lake}/orders/changes')",
        "select * from query('select * from read_text(''/etc/passwd'')')",
        "select * from query_table('orders')",
        "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
        "select * from sniff_csv('/etc/passwd')",
        "select * from duckdb_settings()",
        "select * from duckdb_secrets()",
        "select * from pragma_database_list()",
        "select * from sql_auto_complete('sel')",
        "select (select content from read_text('/etc/passwd'))",
        "with a as (select * from read_text('/etc/passwd')) select * from a",
        "select 1 where exists (from read_text('/etc/passwd'))",
        "select getenv('HOME')",
        "select * from somebody",
        "describe select * from read_text('/etc/passwd')",
        "summarize from read_text('/etc/passwd')",
        "select * from orders at (version => 1)",
    ],
)
def test_no_way_leads_out_of_the_views(orders: SmallLake, sql: str) -> None:
    somebody = {"secret": [1]}  # DuckDB would find a local variable, were it allowed to look
    with pytest.raises(QueryError):
        orders.rows(sql.format(lake=orders.root))
    assert somebody


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '/tmp/stolen.csv'",
        "attach '/tmp/other.db'",
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/etc/*')",
        "select * from read_csv('https://example.com/x.csv')",
        "set memory_limit = '90GB'",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "set lock_configuration = false",
        "pragma memory_limit = '90GB'",
        "install httpfs",
        "load httpfs",
        "create persistent secret s (type s3)",
    ],
)
def test_the_connection_itself_refuses_what_the_parser_would_let_pass(orders: SmallLake, sql: str) -> None:
    with _prepared(orders.query("select * from orders")) as (connection, _):
        with pytest.raises(duckdb.Error):
            connection.execute(sql)
        found = connection.execute("select count(*) from orders").fetchone()
    assert found == (2,)


@pytest.mark.parametrize(
    ("sql", "count"),
    [
        ("select * from orders", 2),
        ("from orders;", 2),
        ("with a as (from orders) select * from a", 2),
        ("with orders as (select * from orders__changes) select * from orders", 5),
        ("values (1), (2)", 2),
        ("select * from range(5)", 5),
        ("select unnest([1, 2, 3])", 3),
        ("select key from orders o, json_each('[1, 2]')", 4),
        ("show tables", 4),
        ("select * from information_schema.tables where table_schema = 'main'", 4),
        ("select * from duckdb_columns() where table_name = 'orders' and column_name = 'n'", 1),
        ("summarize select n from orders", 1),
        ("describe orders", 7),
        ("pivot orders__changes on _op in ('c', 'd') using count(*) group by _id", 3),
        ("select * from orders union all select * from orders__current", 4),
        ('select * from "ORDERS"', 2),
        ("select * from main.orders", 2),
    ],
)
def test_every_kind_of_reading_is_allowed(orders: SmallLake, sql: str, count: int) -> None:
    assert len(orders.rows(sql)) == count


def test_rescued_values_can_be_read_with_json_functions(orders: SmallLake) -> None:
    sql = """select '{"price": {"$numberDouble": "2.5"}}'::json->>'$.price.$numberDouble' as price from orders"""
    assert orders.rows(sql)[0] == {"price": "2.5"}


def test_a_query_out_of_time_is_stopped(orders: SmallLake) -> None:
    started = time.monotonic()
    with pytest.raises(QueryError, match=r"stopped after 0\.5 s") as caught:
        orders.rows(
            "select sum(a.range * b.range) from range(10000000) a, range(100000) b",
            time=timedelta(seconds=0.5),
        )
    assert time.monotonic() - started < 5
    assert "--timeout" in caught.value.remedy


def test_a_stream_of_rows_out_of_time_is_stopped_too(orders: SmallLake) -> None:
    with pytest.raises(QueryError, match=r"stopped after 0\.5 s"):
        orders.rows(
            "select a.range from range(10000000) a, range(100000) b limit 1000000000",
            time=timedelta(seconds=0.5),
        )


def test_a_query_out_of_memory_fails_and_says_so(orders: SmallLake) -> None:
    with pytest.raises(QueryError) as caught:
        orders.rows("select list(range) from range(50000000)", memory="30MB")
    assert "memory" in caught.value.what
    assert "--memory-limit" in caught.value.remedy


@pytest.mark.slow
def test_a_sort_beyond_memory_spills_below_the_project_and_leaves_nothing(orders: SmallLake) -> None:
    sql = (
        "select count(*) c, max(s) m from (select repeat('x', 100) || range s from range(3000000) order by hash(range))"
    )
    assert orders.rows(sql, memory="150MB")[0]["c"] == 3_000_000
    assert list(orders.temp.iterdir()) == []


def test_limits_that_make_no_sense_are_refused() -> None:
    for limits in ({"memory": "lots"}, {"memory": "2GB'; --"}, {"time": timedelta()}):
        with pytest.raises(UsageError):
            Limits(**limits)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["with space", "ünï", "a'b", "a#b", "a?b", "a%b"])
def test_a_lake_may_live_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    lake = SmallLake(tmp_path / name)
    lake.append([Change("a", 1, "c", values={"n": 1})])
    lake.fold()
    lake.append([Change("b", 2, "c", values={"n": 2})])
    assert lake.rows("select count(*) c from orders") == [{"c": 2}]
