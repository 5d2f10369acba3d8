"""A real Prometheus, asked over HTTP."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from engine.stack.ports import free_port

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ROOT / "deploy" / "observability"
PATIENCE_S = 60.0
METRIC = re.compile(r"\boplake_\w+")
needs_prometheus = pytest.mark.skipif(
    not os.environ.get("CI") and not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="needs prometheus and promtool (Debian: prometheus)",
)


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - whatever it says
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def family_of(name: str) -> str:
    """The metric that a name in a query belongs to, as docs/metrics.md has it."""
    return re.sub(r"_(bucket|count|sum)$", "", name) if "_duration_seconds_" in name else name


class Prometheus:
    """One that runs."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10)

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.get(path, params=parameters).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/query", query=expression)["result"]
        return found

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        return wait(lambda: self.query(expression), expression)

    def is_up(self) -> bool:
        try:
            return self._client.get("/status/buildinfo").status_code == 200
        except httpx.TransportError:
            return False


def wait(condition: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 - whatever becomes true
    until = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < until, what
        time.sleep(0.1)
    return found


@contextmanager
def prometheus(folder: Path, targets: dict[str, int], api_key: str) -> Iterator[Prometheus]:
    """One with the repository's own configuration and rules, made faster, that asks these ports.

    Args:
        targets: job of the configuration -> port.
    """
    folder.mkdir()
    config = read_yaml(OBSERVABILITY / "prometheus" / "prometheus.yml")
    rules = read_yaml(OBSERVABILITY / "prometheus" / "alerts.yml")
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule.pop("for", None)
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    del config["alerting"]
    config["scrape_configs"] = [one for one in config["scrape_configs"] if one["job_name"] in targets]
    for one in config["scrape_configs"]:
        one["static_configs"] = [{"targets": [f"127.0.0.1:{targets[one['job_name']]}"]}]
    (folder / "prometheus.yml").write_text(json.dumps(config))
    (folder / "alerts.yml").write_text(json.dumps(rules))
    (folder / "api-key").write_text(api_key)
    port = free_port()
    command = [
        "prometheus",
        "--config.file",
        str(folder / "prometheus.yml"),
        "--storage.tsdb.path",
        str(folder / "tsdb"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--web.listen-address", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        one = Prometheus(port)
        wait(lambda: one.is_up() or process.poll() is not None, "prometheus does not start")
        assert process.poll() is None, (folder / "log").read_text()
        yield one
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
