"""What is shipped is written down, validly and wholly; what is known to be vulnerable is told of, never in silence."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.api.processes import free_port
from tests.serving import served

ROOT = Path(__file__).parents[2]
LOCKED = set(re.findall(r"^([a-z0-9._-]+)==([^ \\]+)", (ROOT / "locks" / "production.txt").read_text(), re.MULTILINE))
VALIDATE = """
import sys
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator
from tests.serving import served
wrong = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(str(wrong) if wrong else 0)
"""

pytestmark = pytest.mark.packaging


def registry() -> dict[str, str]:
    """The environment with the package index that pip is set up for."""
    command = ["bash", "-c", 'eval "$("$0" .ci/uv_environment.py)"; env -0', sys.executable]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    return dict(one.split("=", 1) for one in found.decode().split("\0") if "=" in one)


def is_valid(text: str, tool: str) -> bool:
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "tool", "run", "--quiet", "--from", tool, "python", "-c", VALIDATE]
    return not subprocess.run(command, input=text, text=True, env=registry(), check=False).returncode


def test_the_bill_of_materials_is_valid_and_holds_every_locked_package_with_its_hashes(tmp_path: Path) -> None:
    written = tmp_path / "oplake.cdx.json"
    subprocess.run(["make", "sbom", f"SBOM={written}"], cwd=ROOT, check=True)
    (tool,) = re.findall(r"^CYCLONEDX := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    text = written.read_text()
    told = json.loads(text)

    assert is_valid(text, tool)
    assert not is_valid(json.dumps(told | {"components": [{"name": "of no type"}]}), tool)
    assert told["metadata"]["component"]["name"] == "oplake"
    assert {(one["name"], one["version"]) for one in told["components"]} == LOCKED
    assert all(one["purl"].startswith("pkg:pypi/") for one in told["components"])
    assert all(reference["hashes"] for one in told["components"] for reference in one["externalReferences"])


class Advisories(ThreadingHTTPServer):
    """A service of OSV's form."""

    def __init__(self, known: Mapping[str, list[dict[str, Any]]]) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.known = known
        self.asked: set[tuple[str, str]] = set()


class _Answers(BaseHTTPRequestHandler):
    server: Advisories

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        self.server.asked.add((name, asked["version"]))
        known = self.server.known.get(name)
        body = json.dumps({} if known is None else {"vulns": known}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def advisories(known: Mapping[str, list[dict[str, Any]]]) -> Iterator[Advisories]:
    one = Advisories(known)
    with served(one):
        yield one


def audit(port: int, *options: str) -> tuple[int, str]:
    command = [sys.executable, ".ci/audit.py", "--osv-url", f"http://127.0.0.1:{port}", *options]
    done = subprocess.run(command, cwd=ROOT, env=registry(), capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_a_finding_fails_the_audit_and_every_locked_package_is_asked_for() -> None:
    version = dict(LOCKED)["jinja2"]
    advisory = {
        "id": "GHSA-0000",
        "modified": "2026-01-01T00:00:00Z",
        "summary": "s",
        "details": "d",
        "affected": [
            {
                "package": {"name": "jinja2", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
                "versions": [version],
            }
        ],
    }
    with advisories({"jinja2": [advisory]}) as service:
        code, said = audit(service.server_port, "--unreachable-passes")
    assert code == 1, said
    assert f"jinja2 {version}: GHSA-0000; fixed in 99.0" in said
    with advisories({}) as service:
        code, said = audit(service.server_port)
    assert code == 0, said
    assert "no known vulnerability" in said
    assert service.asked == LOCKED


def test_a_service_that_cannot_be_reached_is_told_of_and_fails_only_those_who_ask_for_it() -> None:
    port = free_port()
    refused, passed = audit(port), audit(port, "--unreachable-passes")

    assert (refused[0], passed[0]) == (3, 0)
    assert "NOTHING WAS AUDITED" in refused[1]
    assert "NOTHING WAS AUDITED" in passed[1]
