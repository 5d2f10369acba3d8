"""The jars of Kafka, Connect and Debezium: fetched once through Maven, proven by their checksums, kept in a cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engine.errors import OperatorError, ToolMissing

_HERE = Path(__file__).parent
CHECKSUMS = _HERE / "jars.sha256"
"""``<sha256>  <set>/<file>``, one jar a line: exactly the jars of each set, no more and no fewer."""
SETS = ("kafka", "debezium")
"""Names of ``<set>.pom.xml``: the broker with Connect, and the connector's plugin."""
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"
FETCH_TIMEOUT_S = 900


def jar_folder(name: str) -> Path:
    """The folder of one set of jars; they are fetched when it is not there yet.

    Raises:
        ToolMissing: they have to be fetched, and there is no ``mvn``.
        OperatorError: Maven failed, or brought other bytes than those the checksums name.
    """
    folder = _cache() / _identity(name) / name
    if folder.is_dir():
        return folder
    with _alone(folder.parent):
        if not folder.is_dir():
            _fetch(name, folder)
    return folder


def expected(name: str) -> dict[str, str]:
    """File name -> sha256 of a set's jars."""
    lines = (line.split("  ") for line in CHECKSUMS.read_text().splitlines() if line)
    return {path.removeprefix(f"{name}/"): digest for digest, path in lines if path.startswith(f"{name}/")}


def digests(folder: Path) -> dict[str, str]:
    """File name -> sha256 of the jars in a folder."""
    return {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in sorted(folder.glob("*.jar"))}


def _fetch(name: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        jars = Path(scratch) / "jars"
        copy_dependencies(name, jars)
        _verify(digests(jars), expected(name), name)
        shutil.move(jars, folder)


def copy_dependencies(name: str, folder: Path) -> None:
    """Let Maven put a set's jars into a folder.

    Raises:
        ToolMissing: there is no ``mvn``.
        OperatorError: Maven failed.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolMissing(
            "Maven is not installed, which fetches Kafka, Kafka Connect and Debezium",
            where="mvn on PATH",
            remedy="install it (Debian: maven), or use servers that run elsewhere",
        )
    command = [maven, "-B", "-q", "-f", str(_HERE / f"{name}.pom.xml"), PLUGIN]
    command += [f"-DoutputDirectory={folder}", "-DincludeScope=runtime"]
    done = subprocess.run(  # noqa: S603 - a known program with our own arguments
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False
    )
    if done.returncode:
        first = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stdout[:200])
        raise OperatorError(
            f"Maven could not fetch the jars of {name}: {first}", where=maven, remedy="try again with a network"
        )


def _verify(found: Mapping[str, str], wanted: Mapping[str, str], name: str) -> None:
    wrong = sorted(jar for jar in {*found, *wanted} if found.get(jar) != wanted.get(jar))
    if wrong:
        raise OperatorError(
            f"these jars are not the ones that {CHECKSUMS.name} names: {', '.join(wrong)}",
            where=f"{name}.pom.xml",
            remedy="do not use them; a mirror may have altered them",
        )


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "oplake" / "jars"


def _identity(name: str) -> str:
    """Other versions live in another folder."""
    content = CHECKSUMS.read_bytes() + (_HERE / f"{name}.pom.xml").read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time fetches into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
