"""Commands that touch no table start without the libraries that do."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
HEAVY = {"pyarrow", "deltalake", "duckdb", "pymongo", "bson", "sqlalchemy", "alembic", "mimesis", "faker", "rich"}
MAX_CPU_SECONDS = 2.0
"""Four times the half second that a command may take to start: the test machine is busy with other tests."""

_SCRIPT = """
import json, sys
from engine.cli.main import cli
try:
    cli.main(sys.argv[1:], prog_name="oplake", standalone_mode=False)
finally:
    sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def modules_after(*arguments: str) -> set[str]:
    """The top-level packages that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr))


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), ("validate",), ("validate", "--help"), ("schema", "--check"), ("init", "--help")],
)
def test_a_command_that_touches_no_table_imports_no_heavy_library(arguments: tuple[str, ...]) -> None:
    assert modules_after(*arguments) & HEAVY == set()


def test_help_needs_neither_the_models_nor_a_yaml_parser() -> None:
    assert modules_after("--help") & {"pydantic", "ruamel"} == set()


@pytest.mark.parametrize("argument", ["--help", "validate"])
def test_a_command_starts_within_a_bounded_cpu_time(argument: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    modules_after(argument)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < MAX_CPU_SECONDS
