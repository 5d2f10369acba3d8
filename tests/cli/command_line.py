"""Runs the command as a person or CI would, but inside the test's process: starting Python costs more than the command.

What only a process can show (how it starts, what it imports, terminals, signals, pipes) has tests of its own.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from engine.cli.main import main

START = "from engine.cli.main import main; main()"


@dataclass(frozen=True)
class Completed:
    """What a command left, under the names of ``subprocess.CompletedProcess``."""

    returncode: int
    stdout: str
    stderr: str


def oplake(
    *arguments: str, folder: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = ""
) -> Completed:
    """Run ``oplake`` in a folder (default: this one); variables named OPLAKE_* come from ``env`` alone."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPLAKE_")} | dict(env or {})
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", ["oplake", *arguments]),
        patch.object(sys, "stdin", io.StringIO(stdin)),
        chdir(folder or Path()),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return Completed(int(ended.value.code or 0), out.getvalue(), err.getvalue())
