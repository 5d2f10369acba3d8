"""Servers that ``.ci/servers`` builds from Go modules, for tests alone; each runs as a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BUILT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oplake" / "bin"


def built(name: str) -> Path:
    """Where the program is, or will be."""
    return BUILT / name


def missing(name: str) -> str:
    """What a person is told who does not have it."""
    return f"needs {name}, which `bash .ci/servers {name}` builds where Go is installed"


def needs(name: str) -> pytest.MarkDecorator:
    """Marks tests of it: skipped where it was not built, but never in continuous integration."""
    is_left_out = not os.environ.get("CI") and not built(name).is_file()
    return pytest.mark.skipif(is_left_out, reason=missing(name))
