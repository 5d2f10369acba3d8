"""Commands that read no table start without the libraries that do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("pyarrow", "deltalake", "duckdb", "pymongo", "bson", "sqlalchemy", "alembic", "mimesis", "faker", "numpy")
RUN_AND_LIST = """
import sys
from engine.cli.main import main
try:
    main()
except SystemExit as ended:
    print(ended.code, *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("init", "new"), ("validate", "--project", "new")])
def test_light_commands_import_no_heavy_library(arguments: tuple[str, ...], tmp_path: Path) -> None:
    if arguments[0] == "validate":
        subprocess.run([sys.executable, "-c", RUN_AND_LIST, "init", "new"], cwd=tmp_path, check=True)

    ended = subprocess.run(
        [sys.executable, "-c", RUN_AND_LIST, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    code, *modules = ended.stderr.split()

    assert code == "0", ended.stderr
    assert [name for name in HEAVY if name in modules] == []
