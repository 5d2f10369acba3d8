"""The stack in containers says what the native one says: the same parts, versions and settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from engine.spec.project import load_project
from engine.stack import connect
from engine.stack.connect import ConnectWorker
from engine.stack.kafka import KafkaBroker
from engine.stack.s3 import BUCKET
from engine.stack.stack_record import PARTS

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"
VARIABLE = re.compile(r"\$\{(\w+)")
MAVEN = {"m": "http://maven.apache.org/POM/4.0.0"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    parsed: dict[str, Any] = YAML(typ="safe").load((COMPOSE / "compose.yaml").read_text())["services"]
    return parsed


def version(pom: str, artifact: str) -> str:
    for dependency in ET.parse(ROOT / "engine" / "stack" / f"{pom}.pom.xml").iterfind(".//m:dependency", MAVEN):  # noqa: S314 - our own
        if dependency.findtext("m:artifactId", namespaces=MAVEN) == artifact:
            return dependency.findtext("m:version", "", MAVEN)
    raise AssertionError(artifact)


def java_properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line)


def test_the_parts_are_those_of_the_native_stack(services: dict[str, Any]) -> None:
    lasting = {name for name in services if not name.endswith("-init")}
    assert lasting == {"minio" if part == "s3" else part for part in PARTS}
    assert all("healthcheck" in services[name] for name in lasting)
    assert services["mongodb"]["image"].startswith("mongo:7")
    assert f"lake/{BUCKET}" in services["minio-init"]["entrypoint"]


def test_versions_are_those_of_the_native_stack(services: dict[str, Any]) -> None:
    kafka = version("kafka", "kafka_2.13")
    assert services["kafka"]["image"] == f"apache/kafka:{kafka}"
    assert services["connect"]["build"]["args"]["KAFKA_VERSION"] == kafka == version("kafka", "connect-runtime")
    dockerfile = (COMPOSE / "connect.Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    files = [file for line in copied for file in line.split()]
    assert "engine/stack/debezium.pom.xml" in files, "Debezium's version has to come from the pom"
    ignore = (COMPOSE / "connect.Dockerfile.dockerignore").read_text().splitlines()
    for file in files:
        assert (ROOT / file).is_file()
        assert f"!{file}" in ignore


def test_every_image_has_a_fixed_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert "build" in service or re.search(r":(?!latest)\S*\d", service["image"]), name


def test_kafka_has_the_settings_of_the_native_broker(services: dict[str, Any], tmp_path: Path) -> None:
    addresses = {"controller.quorum.voters", "listeners", "advertised.listeners", "log.dirs"}
    given = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in services["kafka"]["environment"].items()
    }
    native = {name: str(value) for name, value in KafkaBroker(tmp_path)._settings().items() if name not in addresses}
    assert {name: given.get(name) for name in native} == native


def test_connect_has_the_settings_of_the_native_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "jar_folder", lambda _: tmp_path)
    ConnectWorker(tmp_path, bootstrap_servers="kafka:19092", port=8083)._prepare()
    native = java_properties((tmp_path / "connect.properties").read_text())
    given = java_properties((COMPOSE / "connect.properties").read_text())
    for places in (native, given):
        del places["listeners"], places["plugin.path"]
    assert given == native


def test_nothing_listens_beyond_the_loopback(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    example = java_properties(
        "\n".join(line for line in (COMPOSE / ".env.example").read_text().splitlines() if not line.startswith("#"))
    )
    assert set(VARIABLE.findall((COMPOSE / "compose.yaml").read_text())) == set(example)
    assert example["OPLAKE_S3_SECRET_KEY"] == ""
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_target_is_valid_and_names_the_ports_of_the_example(tmp_path: Path) -> None:
    folder = tmp_path / "specs" / "targets"
    folder.mkdir(parents=True)
    shutil.copy(COMPOSE / "target.yaml", folder / "compose.yaml")
    target = load_project(tmp_path).target("compose")
    assert target.lake.uri.resolved().startswith(f"s3://{BUCKET}/")
    text = (COMPOSE / "target.yaml").read_text()
    for line in (COMPOSE / ".env.example").read_text().splitlines():
        if "_PORT=" in line:
            assert f"127.0.0.1:{line.partition('=')[2]}" in text


def test_docker_compose_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("needs a docker client with compose")
    command = [docker, "compose", "--env-file", ".env.example", "config", "-q"]
    environment = {**os.environ, "OPLAKE_S3_SECRET_KEY": "for-the-check"}
    done = subprocess.run(command, cwd=COMPOSE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
