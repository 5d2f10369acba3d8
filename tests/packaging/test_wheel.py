"""What a user installs works on its own: built, installed into an empty environment outside the tree, and used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
HATCHLING = (sys.executable, "-m", "hatchling", "build")
CONFIGURES_PYTHON = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")

pytestmark = pytest.mark.packaging


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment that holds the wheel and what it asks for, and an empty folder to work in."""

    environment: Path
    folder: Path

    def oplake(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self._run("oplake", *arguments, **variables)

    def python(self, code: str) -> str:
        finished = self._run("python", "-c", code)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()

    def _run(self, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.environment / "bin" / program, *arguments],
            cwd=self.folder,
            env={**_clean_environment(), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _clean_environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name not in CONFIGURES_PYTHON}


def _registry_settings() -> dict[str, str]:
    """What .ci/setup exports, so that uv finds packages where pip would."""
    exports = subprocess.run(
        [sys.executable, ROOT / ".ci/uv_environment.py"], check=True, capture_output=True, text=True
    )
    shell = ["bash", "-c", 'eval "$1"; exec env -0', "bash", exports.stdout]
    variables = subprocess.run(shell, check=True, capture_output=True, text=True, env=_clean_environment()).stdout
    return dict(line.split("=", 1) for line in variables.split("\0") if line)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the locked hatchling without the network."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([*HATCHLING, "-t", "wheel", "-d", folder], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and its dependencies at the locked versions, and nothing else."""
    environment = tmp_path_factory.mktemp("user") / "venv"
    settings = _registry_settings()
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True, env=settings)
    install = [UV, "pip", "install", "--quiet", "--python", environment / "bin/python"]
    subprocess.run([*install, "--constraint", ROOT / "locks/runtime.txt", wheel], check=True, env=settings)
    return environment


@pytest.fixture
def installed(environment: Path, tmp_path: Path) -> Installed:
    return Installed(environment, tmp_path)


@pytest.fixture
def shop(mongo_client: MongoClient[Any]) -> Iterator[None]:
    """The collections that the starter specs name."""
    mongo_client.drop_database("shop")
    mongo_client["shop"]["users"].insert_one({"_id": 1, "name": "Ada", "email": "ada@example.com"})
    mongo_client["shop"]["orders"].insert_one({"_id": 1, "total": 12.5})
    yield
    mongo_client.drop_database("shop")


def test_the_wheel_brings_schemas_templates_and_the_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    for source in (ROOT / "schemas", ROOT / "templates"):
        files = [path.relative_to(ROOT) for path in source.rglob("*") if path.is_file()]
        assert files
        assert [str(path) for path in files if f"engine/_assets/{path}" not in names] == []
    for file in ("kafka.pom.xml", "debezium.pom.xml", "jars.sha256"):
        assert f"engine/stack/{file}" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert [name for name in names if name.startswith(("tests/", "docs/", "specs/"))] == []


def test_the_installed_program_runs_from_its_own_files(installed: Installed) -> None:
    version = installed.oplake("--version")

    assert version.returncode == 0, version.stderr
    assert version.stdout.startswith("oplake")
    assert Path(installed.python("import engine; print(engine.__file__)")).is_relative_to(installed.environment)


def test_no_command_lacks_a_dependency(installed: Installed) -> None:
    code = (
        "import importlib, pkgutil, engine\n"
        "for module in pkgutil.walk_packages(engine.__path__, 'engine.'):\n"
        "    # the service and traces are extras\n"
        "    if not any(part in module.name for part in ('.migrations.', '.api', '.otlp')):\n"
        "        importlib.import_module(module.name)\n"
    )
    installed.python(code)


def test_starter_specs_are_written_and_valid(installed: Installed) -> None:
    assert installed.oplake("init").returncode == 0
    validated = installed.oplake("validate")

    assert validated.returncode == 0, validated.stderr
    assert (installed.folder / "schemas/pipeline.schema.json").is_file()


@pytest.mark.server
@pytest.mark.usefixtures("shop")
def test_a_plan_is_made_applied_run_and_queried_against_a_real_server(installed: Installed, mongo: str) -> None:
    installed.oplake("init")
    planned = installed.oplake("plan", OPLAKE_MONGODB_URI=mongo)
    applied = installed.oplake("apply", "--yes", OPLAKE_MONGODB_URI=mongo)
    again = installed.oplake("plan", OPLAKE_MONGODB_URI=mongo)
    run = installed.oplake("run", "--until-caught-up", OPLAKE_MONGODB_URI=mongo)
    queried = installed.oplake("query", "select name from users", "--format", "json", OPLAKE_MONGODB_URI=mongo)

    assert planned.returncode == 3, planned.stderr
    assert "users/current" in planned.stdout
    assert applied.returncode == 0, applied.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert run.returncode == 0, run.stderr
    assert json.loads(queried.stdout) == [{"name": "Ada"}], queried.stderr
