"""The manifests: rendered as kustomize would, accepted by Kubernetes' own schemas, and true of what they start."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from engine.api.settings import PREFIX, read_settings
from engine.cli.main import cli
from engine.spec.project import load_project
from tests.deploy.command_lines import require_understood
from tests.deploy.image import stages
from tests.deploy.kubernetes_tools import kustomize, validator

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
PRODUCTION = KUBERNETES / "overlays" / "production"
REFERENCE = re.compile(r"\$\{env:(\w+)")
WITH_PODS = {"Deployment", "StatefulSet", "Job", "CronJob"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def rendered() -> str:
    return subprocess.run([*kustomize(), PRODUCTION], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def objects(rendered: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(rendered))


def pod(one: dict[str, Any]) -> dict[str, Any]:
    """The pod's spec of a workload."""
    spec = one["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if one["kind"] == "CronJob" else spec["template"]
    found: dict[str, Any] = template["spec"]
    return found


def labels(one: dict[str, Any]) -> dict[str, str]:
    """Of a workload's pods."""
    found: dict[str, str] = one["spec"]["template"]["metadata"]["labels"]
    return found


def containers(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name of the workload, pod, container."""
    for one in objects:
        if one["kind"] in WITH_PODS:
            spec = pod(one)
            for container in (*spec.get("initContainers", ()), *spec["containers"]):
                yield one["metadata"]["name"], spec, container


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    return next(one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))


def validated(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    file = folder / "manifests.yaml"
    file.write_text(text)
    return subprocess.run([validator(), file], capture_output=True, text=True, check=False)


def test_kubernetes_accepts_what_is_rendered_and_would_refuse_a_wrong_word(rendered: str, tmp_path: Path) -> None:
    accepted = validated(tmp_path, rendered)
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    for right, wrong in (("maxUnavailable: 1", "maxUnavailabel: 1"), ("containerPort: 9464", "containerPort: health")):
        assert right in rendered
        assert validated(tmp_path, rendered.replace(right, wrong)).returncode != 0, wrong


def test_kubectl_renders_the_same() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("needs kubectl")
    own = subprocess.run([*kustomize(), PRODUCTION], check=True, capture_output=True).stdout
    assert subprocess.run([kubectl, "kustomize", PRODUCTION], check=True, capture_output=True).stdout == own


def test_every_command_line_is_one_that_oplake_takes(objects: list[dict[str, Any]]) -> None:
    tried = 0
    for _, _, container in containers(objects):
        if "command" in container:
            continue
        require_understood([str(word) for word in container["args"]])
        tried += 1
    assert tried == 5


def test_the_service_is_started_as_its_settings_say(objects: list[dict[str, Any]]) -> None:
    (container,) = pod(named(objects, "Deployment", "oplake-api"))["containers"]
    assert container["command"] == ["gunicorn"]
    option, file, application = container["args"]
    assert (option, file) == ("-c", "/opt/oplake/etc/gunicorn.conf.py")
    assert "deploy/gunicorn.conf.py /opt/oplake/etc/" in [step.text for step in stages()[0] if step.word == "COPY"]
    module, function = application.removesuffix("()").split(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_every_variable_is_one_that_something_reads(objects: list[dict[str, Any]]) -> None:
    settings = named(objects, "ConfigMap", "oplake-settings")["data"]
    read_settings(settings)
    read = {
        *read_settings({}).environment(),
        *re.findall(r'"(OPLAKE_\w+)"', (ROOT / "deploy/gunicorn.conf.py").read_text()),
    }
    read |= {option.envvar for option in _run_options() if isinstance(option.envvar, str)}
    assert set(settings) <= read
    assert settings["OPLAKE_API_BIND"].endswith(":8000")
    assert settings["OPLAKE_HEALTH_PORT"] == "9464"
    assert PREFIX in "".join(settings)


def _run_options() -> list[click.Option]:
    command = cli.get_command(click.Context(cli), "run")
    assert command is not None
    return [one for one in command.params if isinstance(one, click.Option)]


def test_probes_ask_for_paths_and_ports_that_are_there(objects: list[dict[str, Any]]) -> None:
    from engine.api.routes import operations  # noqa: PLC0415 - takes a second

    served = {getattr(route, "path", "") for route in operations.router.routes}
    answered = re.findall(r'case "(/\w+)"', (ROOT / "engine/telemetry/metrics/server.py").read_text())
    known = {"http": (8000, served), "health": (9464, set(answered))}
    probes = 0
    for name, _, container in containers(objects):
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", ())}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if asked := container.get(probe):
                number, paths = known[asked["httpGet"]["port"]]
                assert ports[asked["httpGet"]["port"]] == number, name
                assert asked["httpGet"]["path"] in paths, name
                probes += 1
    assert probes == 6


def test_a_stop_is_given_the_time_that_it_takes(objects: list[dict[str, Any]]) -> None:
    workers = pod(named(objects, "Deployment", "oplake-workers"))
    words = workers["containers"][0]["args"]
    assert int(words[words.index("--grace") + 1].removesuffix("s")) < workers["terminationGracePeriodSeconds"]
    gunicorn: dict[str, Any] = {}
    exec((ROOT / "deploy/gunicorn.conf.py").read_text(), gunicorn)  # noqa: S102 - our own
    api = pod(named(objects, "Deployment", "oplake-api"))
    waited = int(api["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert waited + gunicorn["graceful_timeout"] < api["terminationGracePeriodSeconds"]


def test_no_pod_may_do_more_than_it_has_to(objects: list[dict[str, Any]]) -> None:
    for name, spec, container in containers(objects):
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] == 10001, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True, name
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
        assert "memory" in container["resources"]["limits"], name
        written = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert written == {"/tmp", "/var/lib/oplake"}, name  # noqa: S108 - the image's


def test_one_image_with_a_fixed_version_runs_everywhere(objects: list[dict[str, Any]]) -> None:
    images = {container["image"] for _, _, container in containers(objects)}
    assert len(images) == 1
    assert re.search(r":\d+\.\d+\.\d+$", images.pop())


def test_a_disruption_leaves_some_pod_of_each_kind(objects: list[dict[str, Any]]) -> None:
    budgets = [one for one in objects if one["kind"] == "PodDisruptionBudget"]
    deployments = [one for one in objects if one["kind"] == "Deployment"]
    selected = [one["spec"]["selector"]["matchLabels"] for one in budgets]
    assert len(selected) == len(deployments)
    for one in deployments:
        assert one["spec"]["selector"]["matchLabels"] in selected
        assert one["spec"]["replicas"] >= 2, "a budget over one pod would stop every drain"


def test_secrets_are_referred_to_and_never_there(objects: list[dict[str, Any]]) -> None:
    assert not [one for one in objects if one["kind"] == "Secret"]
    for _, _, container in containers(objects):
        assert {"secretRef": {"name": "oplake"}} in container["envFrom"]
        assert "env" not in container


def test_the_specs_are_valid_and_their_secrets_are_named_in_the_documents(
    objects: list[dict[str, Any]], tmp_path: Path
) -> None:
    for one in objects:
        kind = next((kind for kind in ("targets", "pipelines") if f"oplake-{kind}-" in one["metadata"]["name"]), None)
        for name, text in one.get("data", {}).items() if kind else ():
            file = tmp_path / "specs" / str(kind) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    project = load_project(tmp_path)
    assert project.target("production").transport.kafka is not None
    names = set(REFERENCE.findall((PRODUCTION / "specs/target.yaml").read_text()))
    told = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in names if f"--from-literal {name}=" not in told] == []


def test_maps_are_mounted_where_the_image_looks(objects: list[dict[str, Any]]) -> None:
    maps = {one["metadata"]["name"] for one in objects if one["kind"] == "ConfigMap"}
    for name, spec, container in containers(objects):
        used = {one["configMap"]["name"] for one in spec["volumes"] if "configMap" in one}
        assert used <= maps, name
        places = {mount["mountPath"] for mount in container["volumeMounts"] if mount.get("readOnly")}
        assert places == {"/project/specs/targets", "/project/specs/pipelines"}, name


def test_workers_and_the_service_are_scraped_where_they_answer_as_jobs_that_the_alerts_know(
    objects: list[dict[str, Any]],
) -> None:
    monitors = list(YAML(typ="safe").load_all((KUBERNETES / "components/prometheus/monitor.yaml").read_text()))
    configured = YAML(typ="safe").load((ROOT / "deploy/observability/prometheus/prometheus.yml").read_text())
    jobs = {one["job_name"]: one for one in configured["scrape_configs"]}
    seen = set()
    for monitor in monitors:
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        (deployment,) = [
            one
            for one in objects
            if one["kind"] == "Deployment" and monitor["spec"]["selector"]["matchLabels"].items() <= labels(one).items()
        ]
        ports = {port["name"] for one in pod(deployment)["containers"] for port in one["ports"]}
        assert endpoint["port"] in ports
        job = next(one["replacement"] for one in endpoint["relabelings"] if one["targetLabel"] == "job")
        assert endpoint["path"] == jobs[job].get("metrics_path", "/metrics")
        assert ("authorization" in endpoint) == ("authorization" in jobs[job])
        seen.add(job)
    assert seen == {"oplake-run", "oplake-api"}


def test_the_tools_are_held_by_checksums() -> None:
    sums = (KUBERNETES / "tools" / "go.sum").read_text()
    required = re.findall(r"^\t(sigs\S+) (v\S+)$", (KUBERNETES / "tools" / "go.mod").read_text(), re.MULTILINE)
    assert [line for line in required if f"{line[0]} {line[1]} h1:" not in sums] == []
    assert shlex.join(os.fspath(word) for word in kustomize())
