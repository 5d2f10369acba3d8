"""A full pass on a Ray cluster finds what one on this machine finds, also when a node dies with a chunk in hand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from pymongo.database import Database

from engine.decode.rules import DecodeRules
from engine.errors import ClusterError, ToolMissing, UserError
from engine.reconcile.kept_chunks import ChunkPlace, KeptChunks
from engine.reconcile.ray_cluster import ray_executor
from engine.reconcile.ray_executor import RayExecutor
from engine.reconcile.scan_order import ScanOrder, go_on
from engine.reconcile.share import Share
from engine.reconcile.source_scan import ChunkLimits
from engine.reconcile.spill_folder import SpillFolder
from engine.secrets.secret import Secret
from engine.spec.types import Struct
from engine.state.checkpoints import Checkpoints
from engine.state.database import open_database
from engine.state.tenure import Tenure
from tests.faults.nursery import Nursery
from tests.faults.project import Project
from tests.faults.running import Running
from tests.reconcile.corruptions import corrupted, document, drawn
from tests.reconcile.ray_cluster import SMALL, a_cluster, kill_while_it_reads
from tests.reconcile.test_corruptions import held
from tests.reconcile.test_reconcile import rewrite

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = [pytest.mark.server, pytest.mark.fault]

DOCUMENTS, CORRUPTED, CHUNK = 600, 24, 60
RATE = "100KiB"
"""So slow that reading a chunk takes most of a second: there is time to kill its node."""
MARK = "hunter2"
"""Stands for a password."""

Found: TypeAlias = tuple[int, list[Any]]


@pytest.fixture(scope="module")
def cluster(mongo: str) -> Iterator[Cluster]:
    with a_cluster({"OPLAKE_TEST_URI": f"{mongo}&appName={MARK}"}) as one:
        yield one


@pytest.fixture(scope="module")
def nursery(cluster: Cluster) -> Iterator[Nursery]:
    """Behind the cluster: it hands on the variables."""
    assert cluster.address
    with Nursery() as one:
        yield one


@pytest.fixture
def project(tmp_path: Path, database: Database[Any], nursery: Nursery) -> Project:
    """A table with corruptions."""
    things = database["things"]
    things.insert_many([document(number) for number in range(DOCUMENTS)])
    things.insert_many([{"_id": f"wide{number}", "ratio": 0.5, "spare": 1} for number in range(CHUNK)])
    made = Project(tmp_path, "${env:OPLAKE_TEST_URI}", things.full_name, max_rows=5000)
    made.write()
    made.apply(nursery)
    made.catch_up(nursery)
    before = held(made.paths.current)
    things.update_many({"nothing": None}, {"$inc": {"n": 1}})
    made.catch_up(nursery)
    plan = drawn([f"d{number:05d}" for number in range(DOCUMENTS)], CORRUPTED, seed=3)
    rewrite(made.paths.current, lambda rows: corrupted(rows, before, plan, 3))
    return made


def words(project: Project, *others: str) -> list[str]:
    return ["reconcile", "--chunk-rows", str(CHUNK), f"--report={project.folder}/report.json", *others]


def on(cluster: Cluster, project: Project, *, rate: str = RATE, patch: str = "") -> Running:
    """Start it on the cluster; not from a nursery, since Ray's library does not work in a forked process."""
    code = f"from tests.faults import patches\n{patch}\nfrom engine.cli.main import main\nmain()"
    ray = ["--executor", "ray", "--ray-address", cluster.address, "--max-rate", rate]
    command = [sys.executable, "-c", code, *words(project, *ray), "--project", str(project.folder)]
    none = subprocess.DEVNULL
    return Running(subprocess.Popen(command, stdin=none, stdout=none, stderr=subprocess.PIPE, text=True))


def found(project: Project) -> Found:
    """Documents that were read, and what is said of each that differs."""
    (table,) = json.loads((project.folder / "report.json").read_text())["tables"]
    findings = [{**one, "read_at": None} for one in table["findings"]]
    assert sum(chunk["documents"] for chunk in table["chunks"]) == table["source_documents"]
    return table["source_documents"], sorted(findings, key=lambda one: one["identity"])


@pytest.fixture
def local(project: Project, nursery: Nursery) -> Found:
    """What a pass without the cluster finds."""
    assert project.start(*words(project), nursery=nursery).wait() == 5
    return found(project)


def test_a_node_that_dies_with_its_chunk_changes_nothing_of_the_result(
    project: Project, cluster: Cluster, local: Found
) -> None:
    node = cluster.add_node(**SMALL)
    assert on(cluster, project, rate="1GiB").wait() == 5
    assert found(project) == local

    running = on(cluster, project)
    kill_while_it_reads(node)

    assert running.wait() == 5, running.text
    assert found(project) == local
    assert len(local[1]) == CORRUPTED
    assert MARK not in logs(cluster) + running.text


def test_a_chunk_that_is_lost_too_often_ends_the_pass_which_goes_on_without_the_cluster(
    project: Project, cluster: Cluster, nursery: Nursery, local: Found
) -> None:
    """With no retry: so the test above passes because of retries alone."""
    node = cluster.add_node(**SMALL)
    running = on(cluster, project, patch="patches.no_retries()")
    kill_while_it_reads(node)

    assert running.wait() == 1, running.text
    assert "was lost with the node" in running.text
    assert "--resume" in running.text
    assert project.start(*words(project, "--resume"), nursery=nursery).wait() == 5
    assert found(project) == local


def test_what_goes_wrong_on_a_node_is_told_as_what_it_is_and_where(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPLAKE_ONLY_HERE", "mongodb://127.0.0.1:1")
    uri = Secret("${env:OPLAKE_ONLY_HERE}")
    order = ScanOrder("a.b", "primary", Share(0), 1, DecodeRules(), Struct({}), b"", 1, ChunkLimits(), None)
    kept = KeptChunks(
        Checkpoints(open_database("sqlite://"), "one"), ChunkPlace(Tenure("one", 1), "", SpillFolder(Path()))
    )

    with ray_executor(cluster.address, uri, None) as executor, pytest.raises(UserError) as failed:
        executor.scan([order], kept, lambda _: None, go_on)

    assert "OPLAKE_ONLY_HERE is not set" in failed.value.what
    assert failed.value.where == f"a node of Ray cluster {cluster.address}"


def test_a_password_that_nodes_would_be_sent_is_refused_before_anything_is_asked() -> None:
    for text in (f"mongodb://app:{MARK}@host", f"mongodb://app:${{env:PASSWORD:-{MARK}}}@host/?replicaSet=rs0"):
        with pytest.raises(UserError, match="password") as refused, ray_executor("auto", Secret(text), None):
            pass
        assert MARK not in str(refused.value)


def test_an_address_at_which_nobody_answers_is_told_at_once() -> None:
    with pytest.raises(ClusterError, match=r"127\.0\.0\.1:1, which is .* for Ray"), on_nothing("127.0.0.1:1"):
        pass
    with pytest.raises(ClusterError, match="no Ray cluster can be reached"), on_nothing("127.0.0.3:1"):
        pass
    with pytest.raises(ClusterError, match="client protocol"), on_nothing("ray://127.0.0.3:10001"):
        pass


def test_whoever_has_no_ray_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ToolMissing, match=r"oplake\[ray\]"), on_nothing("auto"):
        pass


def on_nothing(address: str) -> AbstractContextManager[RayExecutor]:
    return ray_executor(address, Secret("mongodb://host"), None)


def logs(cluster: Cluster) -> str:
    folder = Path(cluster.head_node.get_session_dir_path())
    return "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
