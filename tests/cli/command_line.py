"""Runs the installed command as a process of its own, as a person or CI would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

START = "from engine.cli.main import main; main()"


def oplake(*arguments: str, folder: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``oplake`` in a folder, with the engine of this checkout or installation."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OPLAKE_")} | dict(env or {})
    command = [sys.executable, "-c", START, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
