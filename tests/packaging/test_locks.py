"""The lock files install the same bytes everywhere, from whatever index the machine is set up for."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>\S+)")
# Spelled in two halves so that this file does not find itself.
REGISTRY_MARKS = ("index" + "-url", "pypi" + ".org", "python" + "hosted.org", "find" + "-links", "trusted" + "-host")
# The one file whose work is to translate the names of pip's settings; it names no address.
TRANSLATES_SETTINGS = {".ci/uv_environment.py"}


def pins(lock: Path) -> dict[str, set[str]]:
    """Every version a lock may install, by package; several only where markers tell them apart."""
    found: dict[str, set[str]] = {}
    for line in lock.read_text().splitlines():
        if match := PIN.match(line):
            found.setdefault(match["name"], set()).add(match["version"])
    return found


def normalised(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~\[;]", requirement, maxsplit=1)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_locked_package_carries_a_hash(lock: Path) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", lock.read_text().strip())

    assert blocks
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", ["runtime", "production"])
def test_the_development_lock_holds_the_very_versions_a_user_gets(lock: str) -> None:
    used, dev = pins(ROOT / f"locks/{lock}.txt"), pins(ROOT / "locks/dev.txt")

    assert {name: versions for name, versions in used.items() if dev.get(name) != versions} == {}


def test_every_declared_dependency_is_in_its_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, dev = pins(ROOT / "locks/runtime.txt"), pins(ROOT / "locks/dev.txt")
    declared = [normalised(word) for word in project["project"]["dependencies"]]
    extras = [word for group in project["project"]["optional-dependencies"].values() for word in group]
    development = [word for group in project["dependency-groups"].values() for word in group]

    assert [name for name in declared if name not in runtime] == []
    assert [name for name in map(normalised, extras + development) if name not in dev] == []


def test_no_tracked_file_names_a_package_registry() -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    tracked = [Path(name) for name in listing.decode().split("\0") if name]
    offenders = [
        f"{path}: {mark}"
        for path in tracked
        if path.as_posix() not in TRANSLATES_SETTINGS and (ROOT / path).is_file()
        for mark in REGISTRY_MARKS
        if mark.encode() in (ROOT / path).read_bytes()
    ]

    assert offenders == []
