"""``oplake query`` as it is typed, in a real project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli import command_line
from tests.cli.command_line import START, Completed
from tests.lake.changes import Change
from tests.query.lakes import SmallLake

TARGET = """\
target: local
mongodb: {uri: "mongodb://127.0.0.1:27017/?replicaSet=rs0"}
transport: {change_stream: {}}
lake: {uri: lake}
"""
SAVED = """\
query: numbers
description: The numbers of all orders.
sql: |
  select n
  from orders
"""
PIPELINE = """\
pipeline: orders
source: {collections: [shop.orders]}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    for name, text in (
        ("targets/local.yaml", TARGET),
        ("pipelines/orders.yaml", PIPELINE),
        ("queries/numbers.yaml", SAVED),
    ):
        path = root / "specs" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    lake = SmallLake(root)
    lake.append([Change("a", 1, "c", values={"n": 1}), Change("b", 2, "c", values={"n": 2})])
    lake.fold()
    lake.append([Change("a", 3, "d")])
    return root


def oplake(project: Path, *arguments: str, stdin: str = "") -> Completed:
    return command_line.oplake("query", "--project", str(project), *arguments, stdin=stdin, env={"COLUMNS": "80"})


def test_every_format_goes_to_standard_output_or_a_file(project: Path, tmp_path: Path) -> None:
    sql = "select _id, n from orders"
    assert "│ b   │ 2 │" in oplake(project, sql).stdout
    assert oplake(project, sql, "--format", "csv").stdout.splitlines() == ["_id,n", "b,2"]
    assert json.loads(oplake(project, sql, "--format", "json").stdout) == [{"_id": "b", "n": 2}]
    out = tmp_path / "rows.parquet"
    assert oplake(project, sql, "--out", str(out)).returncode == 0
    assert pq.read_table(out).to_pylist() == [{"_id": "b", "n": 2}]
    assert list(tmp_path.iterdir()) == [out]


def test_sql_comes_from_standard_input_and_the_past_can_be_asked_for(project: Path) -> None:
    result = oplake(project, "-", "--as-of", "1", "--format", "csv", stdin="select n from orders order by n")
    assert result.stdout.split() == ["n", "1", "2"]


def test_explain_prints_the_plan_and_runs_nothing(project: Path) -> None:
    result = oplake(project, "select n from orders where n = 2", "--explain")
    assert "DELTA_SCAN" in result.stdout
    assert "n=2" in result.stdout


def test_an_error_has_its_place_its_help_and_exit_code_1(project: Path) -> None:
    result = oplake(project, "select nn from orders")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "error[query-failed]" in result.stderr
    assert "line 1, column 8" in result.stderr


def test_a_saved_query_runs_by_its_name(project: Path) -> None:
    assert oplake(project, "--saved", "numbers", "--format", "csv").stdout.split() == ["n", "2"]
    unknown = oplake(project, "--saved", "number")
    assert unknown.returncode == 2
    assert "did you mean `numbers`?" in unknown.stderr


@pytest.mark.slow
def test_an_arrow_stream_goes_into_a_pipe(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.arrow"
    with out.open("wb") as stream:
        command = [sys.executable, "-c", START, "query", "--project", str(project), "select n from orders"]
        subprocess.run([*command, "--format", "arrow"], stdout=stream, check=True, timeout=60)
    assert pa.ipc.open_stream(out.read_bytes()).read_all().to_pylist() == [{"n": 2}]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["select 1", "--saved", "numbers"],
        ["select 1", "--format", "parquet"],
        ["select 1", "--timeout", "soon"],
        ["select 1", "--memory-limit", "lots"],
        ["select 1", "--as-of", "yesterday"],
        ["select 1", "--out", "/nonexistent/x.csv"],
        ["select 1", "--out", "/nonexistent/x"],
    ],
)
def test_options_that_make_no_sense_exit_with_2(project: Path, arguments: list[str]) -> None:
    result = oplake(project, *arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_file_whose_name_tells_no_format_is_not_written_as_a_table_that_leaves_rows_out(
    project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rows.tsv"
    result = oplake(project, "select * from range(200)", "--out", str(out))
    assert result.returncode == 2
    assert "add --format" in result.stderr
    assert not out.exists()
    assert oplake(project, "select * from range(200)", "--out", str(out), "--format", "csv").returncode == 0
    assert len(out.read_text().splitlines()) == 201


def test_a_time_that_is_no_time_is_told_in_a_whole_sentence(project: Path) -> None:
    assert "'0s' has to be more than nothing" in oplake(project, "select 1", "--timeout", "0s").stderr
    assert "'soon' is no duration" in oplake(project, "select 1", "--timeout", "soon").stderr


def test_a_failed_query_leaves_an_older_file_as_it_was(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    out.write_text("older")
    sql = "select cast(case when range = 500000 then 'x' else '1' end as int) c from range(1000000)"
    assert oplake(project, sql, "--out", str(out)).returncode == 1
    assert out.read_text() == "older"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "json", "table", "arrow"])
def test_a_reader_that_stops_early_hears_no_complaint(project: Path, form: str) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", START, "query", "--project", str(project)),
            *("select range, repeat('x', 100) s from range(2000000)", "--format", form),
            *("--max-rows", "20000"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(100)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
