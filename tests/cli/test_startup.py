"""Commands that touch no table start without the libraries that do (``make bench`` measures how fast)."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
COMMAND_LINE = {"engine", "click"}
SPECS = COMMAND_LINE | {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}
YAML = {"ruamel"}
SLOW_STANDARD_LIBRARY = {"asyncio", "concurrent", "http", "logging", "multiprocessing", "sqlite3", "ssl", "unittest"}

_SCRIPT = """
import json, sys
before = set(sys.modules)
from engine.cli.main import cli
try:
    cli.main(sys.argv[1:], prog_name="oplake", standalone_mode=False)
finally:
    sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


@cache
def modules_after(*arguments: str) -> frozenset[str]:
    """The top-level packages and modules that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return frozenset(json.loads(done.stderr))


@pytest.mark.parametrize(
    ("arguments", "libraries"),
    [
        (("--help",), COMMAND_LINE),
        (("--version",), COMMAND_LINE),
        (("init", "--help"), COMMAND_LINE),
        (("validate", "--help"), COMMAND_LINE),
        (("schema", "--check"), SPECS),
        (("validate",), SPECS | YAML),
    ],
)
def test_a_command_that_touches_no_table_imports_only_what_it_needs(
    arguments: tuple[str, ...], libraries: set[str]
) -> None:
    imported = modules_after(*arguments)

    foreign = {name for name in imported - sys.stdlib_module_names if not name.startswith("_")}
    assert foreign <= libraries
    assert imported & SLOW_STANDARD_LIBRARY == set()
