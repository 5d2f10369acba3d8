"""A project in a folder, a lake on the disk, and a source whose collections a test chooses."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import bson
from deltalake import DeltaTable

from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.planner.apply import Apply, Outcome, apply_file, apply_scope
from engine.planner.plan import Plan
from engine.planner.scope import scopes
from engine.planner.workspace import Workspace, open_workspace
from engine.resources.change import Action
from engine.resources.collection import Sample
from engine.resources.mongodb_view import sample_of
from engine.spec.pipeline import Pipeline
from engine.spec.project import load_project
from tests.lake.changes import Change as Row
from tests.lake.changes import rows

DOCUMENTS: tuple[Mapping[str, Any], ...] = (
    *({"_id": number, "n": number, "place": {"city": "x"}} for number in range(10)),
    {"_id": "odd", "n": "many"},
)


@dataclass
class Collections:
    """A source in memory: namespace -> how many documents it says it has, and some that it shows."""

    counts: dict[str, int] = field(default_factory=lambda: {"shop.orders": 5})
    documents_shown: Sequence[Mapping[str, Any]] = DOCUMENTS
    problem: tuple[str, str] | None = None

    def existing(self, patterns: Sequence[str]) -> Collection[str]:
        return {name for name in self.counts if any(fnmatchcase(name, pattern) for pattern in patterns)}

    def stream_problem(self) -> tuple[str, str] | None:
        return self.problem

    def documents(self, namespace: str) -> int | None:
        return self.counts.get(namespace)

    def sample(self, namespace: str, pipeline: Pipeline) -> Sample:  # noqa: ARG002 - SourceView's signature
        return sample_of([bson.encode(document) for document in self.documents_shown], pipeline)


@dataclass
class World:
    """One project with the target ``local``; ``spec`` writes its files."""

    root: Path
    source: Collections = field(default_factory=Collections)

    def spec(self, name: str = "orders", **table: Any) -> None:  # noqa: ANN401 - whatever a spec may hold
        """Write ``specs/pipelines/NAME.yaml`` with these keys of ``table`` (JSON is YAML)."""
        self.pipeline(name, {"source": {"collections": [f"shop.{name}"]}, "table": table})

    def pipeline(self, name: str, body: Mapping[str, Any]) -> None:
        path = self.root / "specs" / "pipelines" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"pipeline": name, **body}))

    def target(self, uri: str = "mongodb://127.0.0.1:1/", **changed: Any) -> None:  # noqa: ANN401 - the same
        path = self.root / "specs" / "targets" / "local.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = {"target": "local", "mongodb": {"uri": uri}, "lake": {"uri": "lake"}} | changed
        path.write_text(json.dumps(body))

    @contextmanager
    def workspace(self, *, create: bool = True) -> Iterator[Workspace]:
        with open_workspace(scopes(load_project(self.root))[0], create=create) as workspace:
            yield workspace

    def plan(self) -> Plan:
        with self.workspace(create=False) as workspace:
            return workspace.plan(self.source)

    def apply(self, *, allow_replace: bool = False) -> Outcome:
        with self.workspace() as workspace:
            return apply_scope(workspace, self.source, how(allow_replace=allow_replace))

    def apply_file(self, text: str, *, allow_replace: bool = False) -> Outcome:
        with self.workspace() as workspace:
            return apply_file(workspace, self.source, text, "plan.json", how(allow_replace=allow_replace))

    def uri(self, title: str) -> str:
        return str(self.root / "lake" / title)

    def fill(self, count: int = 3, table: str = "orders") -> None:
        """Put rows into the change log, and fold them."""
        log = ChangeLog.open(self.uri(f"{table}/changes"))
        columns = log.columns()
        changes = [Row(f"k{n}", n + 1, "c", values={"n": n}) for n in range(count)]
        log.append(rows(changes, columns), {"stream.time": count})
        if DeltaTable.is_deltatable(self.uri(f"{table}/current")):
            fold_current(ChangeLog.open(self.uri(f"{table}/changes")), self.uri(f"{table}/current"))


def how(*, allow_replace: bool = False) -> Apply:
    """An apply that says nothing and agrees to everything it is shown."""
    return Apply(lambda *_: None, lambda _: True, allow_replace=allow_replace)


def decided(plan: Plan) -> dict[str, Action]:
    """Title -> action, of what is pending."""
    return {change.title: change.action for change in plan.pending}
