"""The stack in containers says what the native one says: the same parts, versions and settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from engine.api.settings import PREFIX, read_settings
from engine.spec.project import load_project
from engine.stack import connect
from engine.stack.connect import ConnectWorker
from engine.stack.kafka import KafkaBroker
from engine.stack.s3 import BUCKET
from engine.stack.stack_record import PARTS
from tests.deploy.command_lines import require_understood
from tests.deploy.image import DOCKERFILE, stages

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"
VARIABLE = re.compile(r"\$\{(\w+)")
GUNICORN = ["-c", "/opt/oplake/etc/gunicorn.conf.py", "engine.api.application:from_environment()"]
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


@pytest.fixture(scope="module")
def own(services: dict[str, Any]) -> dict[str, Any]:
    """Those that are oplake itself."""
    return {name: service for name, service in services.items() if "oplake" in service.get("profiles", ())}


def test_the_parts_are_those_of_the_native_stack(services: dict[str, Any], own: dict[str, Any]) -> None:
    lasting = {name for name in services if not name.endswith("-init") and name not in own}
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
    assert len(ports) == 5
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
    text = (COMPOSE / "target.yaml").read_text() + (COMPOSE / "README.md").read_text()
    for line in (COMPOSE / ".env.example").read_text().splitlines():
        if "_PORT=" in line:
            assert f"127.0.0.1:{line.partition('=')[2]}" in text


def test_oplake_runs_from_the_image_of_the_repository_and_writes_only_where_that_may(own: dict[str, Any]) -> None:
    assert set(own) == {"oplake-init", "worker", "jobs", "service"}
    built = [step for stage in stages() for step in stage]
    volumes = next(step.text for step in built if step.word == "VOLUME")
    for service in own.values():
        assert COMPOSE.joinpath(service["build"]["context"], service["build"]["dockerfile"]).resolve() == DOCKERFILE
        assert service["read_only"]
        specs, state = service["volumes"]
        assert specs.endswith("/specs:/project/specs:ro")
        assert {state.partition(":")[2], *service["tmpfs"]} == set(json.loads(volumes))


def test_oplake_is_given_commands_that_it_takes(own: dict[str, Any]) -> None:
    for name, service in own.items():
        if "entrypoint" not in service:
            require_understood(service["command"])
            assert service["command"][1:3] == ["--target", "compose"], name
    assert [own["service"]["entrypoint"], own["service"]["command"]] == [["gunicorn"], GUNICORN]


def test_oplake_reaches_in_its_containers_what_the_target_names(
    own: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "specs" / "pipelines", tmp_path / "specs" / "pipelines")
    (tmp_path / "specs" / "targets").mkdir()
    shutil.copy(COMPOSE / "target.yaml", tmp_path / "specs" / "targets" / "compose.yaml")
    for name, value in own["worker"]["environment"].items():
        monkeypatch.setenv(name, value)
    target = load_project(tmp_path).target("compose")
    kafka, storage = target.transport.kafka, target.lake.storage
    assert kafka is not None
    assert storage is not None
    assert storage.endpoint is not None
    addresses = (kafka.bootstrap_servers, kafka.connect_url, storage.endpoint)
    assert [one.resolved() for one in addresses] == ["kafka:19092", "http://127.0.0.1:8083", "http://minio:9000"]
    assert kafka.connector.signal_bootstrap_servers == "kafka:19092", "Connect reads its signals there"


def test_every_setting_of_the_service_is_one_that_it_reads(
    own: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {name: value for name, value in own["service"]["environment"].items() if name.startswith(PREFIX)}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert (read_settings().target, str(read_settings().project)) == ("compose", "/project")
    assert "OPLAKE_API_BIND" in (ROOT / "deploy" / "gunicorn.conf.py").read_text()
    assert own["service"]["environment"]["OPLAKE_PROBE"].endswith(":8000/api/v1/health")


def test_docker_compose_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("needs a docker client with compose")
    command = [docker, "compose", "--profile", "oplake", "--env-file", ".env.example", "config", "-q"]
    environment = {**os.environ, "OPLAKE_S3_SECRET_KEY": "for-the-check"}
    done = subprocess.run(command, cwd=COMPOSE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
