"""Queries over HTTP: what they give, and that nothing leads out of the lake's views."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.api.conftest import Served, serve
from tests.query import test_safety

pytestmark = pytest.mark.server


def hostile() -> list[str]:
    """Some of what the query room refuses; its own tests try all."""
    cases: list[str] = []
    for test in (test_safety.test_all_but_one_select_is_refused, test_safety.test_no_way_leads_out_of_the_views):
        cases += [str(sql) for sql in test.pytestmark[0].args[1]]  # type: ignore[attr-defined]
    return cases[::6]


def test_the_same_rows_come_as_json_csv_and_parquet(served: Served) -> None:
    sql = "select _id, n from orders order by _id"
    rows = [{"_id": f"k{n}", "n": n} for n in range(3)]
    assert [{**row, "n": int(row["n"])} for row in served.post("/queries", {"sql": sql}).json()] == rows
    csv = served.post("/queries", {"sql": sql, "format": "csv"})
    assert csv.text == "_id,n\r\nk0,0\r\nk1,1\r\nk2,2\r\n"
    parquet = served.post("/queries", {"sql": sql, "format": "parquet"})
    assert pq.read_table(io.BytesIO(parquet.content)).to_pylist() == rows
    assert len(served.post("/queries", {"sql": sql, "max_rows": 2}).json()) == 2


def test_a_hostile_query_is_refused_and_reads_no_file_of_the_server(root: Path) -> None:
    one = serve(root, queries_at_once=3)
    more = [
        "select * from duckdb_secrets(redact => false)",
        "select which_secret('s3://x', 's3')",
        "select * from pragma_storage_info('orders')",
        "select * from parquet_metadata('/etc/passwd')",
        "select * from '.oplake/state.db'",
        "from sqlite_scan('.oplake/state.db', 'api_keys')",
        f"attach '{root}/.oplake/state.db'",
    ]

    async def all_of_them() -> list[tuple[str, int, str]]:
        async with one.client("viewer") as client:
            found = []
            for sql in [*hostile(), *more]:
                text = sql.replace("{lake}", str(root / "lake"))
                answer = await client.post("/api/v1/queries", json={"sql": text})
                found.append((text, answer.status_code, answer.text))
            return found

    for sql, status, text in one.runner.run(all_of_them()):
        assert status == 400, sql
        assert "root:" not in text, sql
        assert "CREATE TABLE" not in text, sql


def test_queries_beyond_the_allowed_number_are_turned_away(root: Path) -> None:
    one = serve(root, queries_at_once=1, query_s=5.0)
    slow = {"sql": "select count(*) from range(100000000) a, range(50) b where hash(a.range + b.range) % 7 = 3"}

    async def two() -> list[Any]:
        async with one.client() as client:
            return await asyncio.gather(*(client.post("/api/v1/queries", json=slow) for _ in range(2)))

    first, second = sorted(one.runner.run(two()), key=lambda answer: str(answer.json()))
    codes = {answer.json().get("code") if isinstance(answer.json(), dict) else "rows" for answer in (first, second)}
    assert "busy" in codes
    assert one.post("/queries", {"sql": "select 1 as x"}).json() == [{"x": 1}], "its place is free again"


def test_a_query_out_of_time_is_stopped_with_a_problem(root: Path) -> None:
    one = serve(root, query_s=0.3)
    answer = one.post("/queries", {"sql": "select sum(a.range * b.range) from range(10000000) a, range(100000) b"})
    assert (answer.status_code, answer.json()["code"]) == (400, "query-failed")
    assert "stopped after" in answer.json()["detail"]
