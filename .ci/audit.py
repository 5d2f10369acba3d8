"""Ask an advisory service for known vulnerabilities of every locked production package, of every Python's.

Usage: audit.py [--osv-url URL] [--unreachable-passes]    (uv has to know the package index: uv_environment.py)

Exit codes: 0 nothing is known, 1 something is, 3 the service cannot be asked about all of them, which passes with
``--unreachable-passes``: a machine without the internet must neither fail for that nor be silent about it.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "locks" / "production.txt"
UV = Path(sys.executable).with_name("uv")
AUDIT = (str(UV), "tool", "run", "--quiet", "pip-audit==2.10.1", "--disable-pip", "--no-deps", "--format=json")
FOUND, UNREACHABLE = 1, 3
SERVICES = (("-s", "pypi"), ("-s", "osv"))


def lists() -> list[str]:
    """The locked packages as lists that name each once; markers would leave out what this Python does not install."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^ \\]+)", LOCK.read_text(), re.MULTILINE):
        versions.setdefault(name, []).append(version)
    most = max(map(len, versions.values()))
    return [
        "".join(f"{name}=={found[place]}\n" for name, found in versions.items() if place < len(found))
        for place in range(most)
    ]


def ask(service: tuple[str, ...]) -> list[dict[str, Any]] | None:
    """Each package with what is known of it; None when there was no answer at all."""
    with TemporaryDirectory() as folder:
        files = [Path(folder, f"{number}.txt") for number, _ in enumerate(lists())]
        for file, names in zip(files, lists(), strict=True):
            file.write_text(names)
        answers = [_answer(service, file) for file in files]
    told = [answer for answer in answers if answer is not None]
    return [one for answer in told for one in answer] if len(told) == len(answers) else None


def _answer(service: tuple[str, ...], file: Path) -> list[dict[str, Any]] | None:
    command = [*AUDIT, "--timeout", "10", *service, "-r", str(file)]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - fixed words
    try:
        packages: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        return None
    return packages


def judge(packages: list[dict[str, Any]] | None) -> int:
    """Say what is known; returns the exit code."""
    if packages is None:
        tell("the advisory service cannot be reached from here: NOTHING WAS AUDITED")
        return UNREACHABLE
    found = [(one, each) for one in packages for each in one.get("vulns", ())]
    for one, each in found:
        fixed = ", ".join(each.get("fix_versions") or ["none yet"])
        tell(f"{one['name']} {one['version']}: {each['id']}; fixed in {fixed}")
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    if skipped:
        tell(f"the advisory service knows nothing of {len(skipped)} of {len(packages)} packages: THEY WERE NOT AUDITED")
    if found:
        tell(f"{len(found)} known vulnerabilities: take newer versions (make lock UPGRADE=--upgrade)")
        return FOUND
    if not skipped:
        tell(f"{len(packages)} packages, no known vulnerability")
    return UNREACHABLE if skipped else 0


def tell(text: str) -> None:
    """One line for whoever reads the build."""
    print(f"audit: {text}", file=sys.stderr)  # noqa: T201 - a command speaks


def main() -> int:
    """Ask the services one after the other, until one knows all packages or something of one."""
    options = argparse.ArgumentParser()
    options.add_argument("--osv-url", help="ask this service of OSV's form alone")
    options.add_argument("--unreachable-passes", action="store_true")
    given = options.parse_args()
    services = [("-s", "osv", "--osv-url", given.osv_url)] if given.osv_url else SERVICES
    packages: list[dict[str, Any]] | None = None
    for service in services:
        packages = ask(service) or packages
        if packages and not all("skip_reason" in one for one in packages):
            break
    code = judge(packages)
    return 0 if code == UNREACHABLE and given.unreachable_passes else code


if __name__ == "__main__":
    raise SystemExit(main())
