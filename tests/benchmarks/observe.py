"""How long a plan takes over a thousand pipelines on a real MongoDB, a real Kafka and a real Kafka Connect.

python -m tests.benchmarks.observe [--count 1000]

First what is promised: looking at as many topics and connectors; then the whole plan, in which nothing differs, with
the specs, the other three topics of each pipeline, its two tables and its collection. The connectors are stopped ones:
a thousand tasks are no matter for one worker, and Connect tells their configuration and state all the same. Exits with
1 when the first takes longer than the promised five seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from engine.planner.scope import one_scope
from engine.planner.workspace import Workspace, open_workspace
from engine.resources.change import Change
from engine.resources.connect_rest import ConnectRest
from engine.resources.kafka_admin import KafkaAdmin
from engine.resources.kafka_client import client_config
from engine.resources.mongodb_view import open_source
from engine.resources.resource import Sides, Verb
from engine.resources.three_way import settings
from engine.spec.project import load_project
from engine.stack.connect import ConnectWorker
from engine.stack.kafka import KafkaBroker
from engine.stack.mongodb import MongoServer
from engine.state.applied import Applied, AppliedResources
from tests.planner.worlds import World

PROMISED_S = 5.0
REPEATS = 5
MAKERS = 8


def main() -> int:
    """0 when the promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="pipelines")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder, _project(Path(folder), count) as world:
        with open_workspace(one_scope(load_project(world.root)), create=True) as workspace:
            _timed(f"{count} pipelines made", lambda: _make(workspace))
            looks = _timed("topics and connectors observed", lambda: _look(workspace), REPEATS)
        _timed("whole plan", lambda: _plan(world), REPEATS)
    return 0 if looks < PROMISED_S else 1


@contextlib.contextmanager
def _project(folder: Path, count: int) -> Iterator[World]:
    with (
        MongoServer(folder / "mongodb") as mongodb,
        KafkaBroker(folder / "kafka") as broker,
        ConnectWorker(folder / "connect", bootstrap_servers=broker.bootstrap_servers) as connect,
    ):
        world = World(folder / "project")
        at = {"bootstrap_servers": broker.bootstrap_servers, "connect_url": connect.url}
        sizes = {"topic": {"partitions": 1, "replication_factor": 1}, "connector": {"state": "stopped"}}
        world.target(mongodb.uri, transport={"kafka": at | sizes})
        client: MongoClient[Any] = MongoClient(mongodb.uri)
        with client:
            for number in range(count):
                world.spec(f"p{number}", mode="current")
                client["shop"][f"p{number}"].insert_one({"_id": 1, "n": number})
        yield world


def _make(workspace: Workspace) -> None:
    """Make what a plan asks for, several at a time, and remember it as applied."""
    with open_source(workspace.scope.target) as source:
        plan = workspace.plan(source)
    made = {kind: [change for change in plan.pending if change.kind == kind] for kind in workspace.kinds}
    with ThreadPoolExecutor(MAKERS) as pool:
        for kind, make in _makers(workspace).items():
            list(pool.map(make, made[kind]))
    applied = AppliedResources(workspace.database, workspace.scope.name)
    for kind, changes in made.items():
        sides = {one.address: Sides(None, _applied(one, "", {})) for one in changes}
        found = workspace.kinds[kind].observe_all(sides)
        for one in changes:
            applied.put(_applied(one, found[one.address].identity, found[one.address].attributes))


def _makers(workspace: Workspace) -> Mapping[str, Callable[[Change], object]]:
    kafka = workspace.scope.target.transport.kafka
    assert kafka is not None
    admin, rest = KafkaAdmin(client_config(kafka)), ConnectRest(kafka.connect_url.resolved())

    def topic(change: Change) -> None:
        admin.create(change.title, 1, 1, settings(change.desired))

    def connector(change: Change) -> None:
        rendered = workspace.kinds["connector"]._rendered[change.address]  # type: ignore[attr-defined]
        rest.create_stopped(change.title, rendered.rendering.raw)

    def table(change: Change) -> None:
        workspace.kinds["table"].act(Verb.CREATE, change, resumed=False)

    return {"topic": topic, "table": table, "connector": connector}


def _applied(change: Change, identity: str, observed: Mapping[str, Any]) -> Applied:
    return Applied(change.address, change.kind, change.pipeline, "created", identity, change.desired, observed)


def _look(workspace: Workspace) -> None:
    """At the topics of collections and at the connectors."""
    applied = workspace.applied().values()
    for kind in ("topic", "connector"):
        mine = [one for one in applied if one.kind == kind]
        mine = [one for one in mine if kind == "connector" or "namespace" in one.attributes]
        begun = time.perf_counter()
        found = workspace.kinds[kind].observe_all({one.address: Sides(None, one) for one in mine})
        print(f"    {len(found)} of kind {kind}: {time.perf_counter() - begun:.2f} s", file=sys.stderr)
        assert all(one.exists for one in found.values())


def _plan(world: World) -> None:
    scope = one_scope(load_project(world.root))
    with open_workspace(scope, create=False) as workspace, open_source(scope.target) as source:
        plan = workspace.plan(source)
    assert plan.is_empty, plan.pending[:3]


def _timed(what: str, work: Callable[[], object], repeats: int = 1) -> float:
    """The median, seconds by the clock."""
    clock, processor = [], []
    for _ in range(repeats):
        clock.append(-time.perf_counter())
        processor.append(-time.process_time())
        work()
        clock[-1] += time.perf_counter()
        processor[-1] += time.process_time()
    median = statistics.median(clock)
    spread = f" ({min(clock):.2f} to {max(clock):.2f})" if repeats > 1 else ""
    print(f"{what}: {median:.2f} s{spread}, of processor time {statistics.median(processor):.2f} s", flush=True)
    return median


if __name__ == "__main__":
    sys.exit(main())
