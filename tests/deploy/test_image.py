"""The image: what its Dockerfile says, and what its steps make, without Docker."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
from pymongo import MongoClient

from engine.stack.ports import free_port
from tests.deploy.image import DOCKERFILE, ROOT, BuiltImage, stages, variables

KEPT = "/var/lib/oplake"
TARGET = """\
target: here
mongodb: {uri: "${env:MONGODB_URI}"}
lake: {uri: /var/lib/oplake/lake}
state: sqlite:////var/lib/oplake/state.db
"""
PIPELINE = """\
pipeline: boats
source: {collections: [harbour.boats]}
"""


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    users = [step.text for step in stages()[-1] if step.word == "USER"]
    assert users == ["10001:10001"]
    after = [step.word for step in stages()[-1]]
    assert "RUN" not in after[after.index("USER") :], "nothing is made after root is left"


def test_everything_that_is_installed_is_held_by_a_hash() -> None:
    installs = [step.text for stage in stages() for step in stage if "pip install" in step.text]
    assert installs
    parts = [part for text in installs for part in text.split("&&") if "pip install" in part]
    for part in parts:
        assert "--require-hashes -r locks/" in part or ("--no-deps" in part and "--offline" in part), part


def test_no_step_brings_a_secret_or_names_a_place_to_fetch_from() -> None:
    text = DOCKERFILE.read_text()
    assert not re.search(r"https?://(?!127\.0\.0\.1)", text)
    assert not re.search(r"(?i)(password|token|secret_key|access_key)\s*=", text)
    assert "ADD" not in [step.word for stage in stages() for step in stage], "COPY takes files of the context alone"
    mounted = [step.flags for stage in stages() for step in stage if "type=secret" in step.flags]
    assert len(mounted) == 1, "the settings of pip may hold a password: they are mounted, never copied"


def test_the_last_stage_takes_the_environment_alone_from_the_first() -> None:
    first, last = stages()
    assert first[0].text.split(" AS ")[0] == last[0].text, "an environment needs the very Python it was made with"
    copies = [step for step in last if step.word == "COPY"]
    assert [(step.flags, step.text) for step in copies] == [("--from=build", "/opt/oplake /opt/oplake")]
    base = next(line for line in DOCKERFILE.read_text().splitlines() if line.startswith("ARG PYTHON_IMAGE="))
    assert re.search(r"python:\d+\.\d+\.\d+-slim", base)


def test_every_file_that_is_copied_is_there_and_sent_to_docker() -> None:
    sent = {line[1:] for line in (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    copied = {word.rstrip("/") for step in stages()[0] if step.word == "COPY" for word in step.text.split()[:-1]}
    assert copied == sent
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_probes_and_places_are_declared() -> None:
    last = {step.word: step.text for step in stages()[-1]}
    assert "OPLAKE_PROBE" in last["HEALTHCHECK"]
    assert variables(stages()[-1])["OPLAKE_PROBE"].endswith(":9464/health")
    assert json.loads(last["VOLUME"]) == ["/tmp", "/var/lib/oplake"]  # noqa: S108 - the image's
    assert json.loads(last["ENTRYPOINT"]) == ["oplake"]


def test_docker_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "buildx", "version"], capture_output=True, check=False).returncode:
        pytest.skip("needs a docker client with buildx")
    command = [docker, "build", "--check", "-f", str(DOCKERFILE), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Cannot connect to the Docker daemon" in done.stderr:
        pytest.skip("needs a docker daemon")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> BuiltImage:
    """The build stage, carried out once."""
    return BuiltImage(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def project(image: BuiltImage) -> BuiltImage:
    """With specs as Kubernetes mounts them: links into a hidden folder."""
    for kind, text in (("targets", TARGET), ("pipelines", PIPELINE)):
        hidden = image.opt / "project" / "specs" / kind / "..2026_11_24"
        hidden.mkdir(parents=True)
        (hidden / "one.yaml").write_text(text)
        (hidden.parent / "..data").symlink_to(hidden.name)
        (hidden.parent / "one.yaml").symlink_to("..data/one.yaml")
    assert any(f"ln -s {KEPT} /project/.oplake" in step.text for step in stages()[-1])
    (image.opt / "project" / ".oplake").symlink_to(KEPT)
    return image


@pytest.mark.packaging
@pytest.mark.server
def test_a_collection_becomes_a_table_while_all_but_two_folders_is_read_only(
    project: BuiltImage, mongo: str, mongo_client: MongoClient[Any]
) -> None:
    mongo_client.drop_database("harbour")
    mongo_client["harbour"]["boats"].insert_many([{"_id": number, "name": f"b{number}"} for number in range(30)])
    script = [
        "oplake --version",
        "cd /opt/project",
        "oplake validate",
        "oplake apply --yes",
        "oplake run --until-caught-up",
        "oplake query --format csv 'select count(*) as boats from boats'",
        "oplake reconcile boats",
    ]
    out = project.run(script, {"MONGODB_URI": mongo}).splitlines()
    mongo_client.drop_database("harbour")
    assert out[0].startswith("oplake")
    assert out[out.index("boats") + 1] == "30"
    assert any("boats: clean: 30 documents" in line for line in out)


@pytest.mark.packaging
@pytest.mark.server
def test_the_service_answers_under_gunicorn_and_the_health_check_tells_life_from_death(
    project: BuiltImage, mongo: str
) -> None:
    port = free_port()
    check = json.loads(next(s.text for s in stages()[-1] if s.word == "HEALTHCHECK").partition("CMD ")[2])
    probe = " ".join(f"'{word}'" if word != check[2] else f'"{word}"' for word in check)
    script = [
        f"if {probe} 2> /dev/null; then echo too early; fi",
        'gunicorn -c /opt/oplake/etc/gunicorn.conf.py "engine.api.application:from_environment()" &',
        f"for attempt in $(seq 120); do if {probe} 2> /dev/null; then echo alive; break; fi; sleep 0.5; done",
        "kill $!; wait $! || true",
        f"if {probe} 2> /dev/null; then echo still; else echo gone; fi",
    ]
    environment = {
        "MONGODB_URI": mongo,
        "OPLAKE_API_PROJECT": "/opt/project",
        "OPLAKE_API_BIND": f"127.0.0.1:{port}",
        "OPLAKE_API_WORKERS": "1",
        "OPLAKE_PROBE": f"http://127.0.0.1:{port}/api/v1/health",
    }
    assert project.run(script, environment).splitlines() == ["alive", "gone"]
