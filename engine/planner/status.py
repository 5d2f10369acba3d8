"""How every table of a scope stands: rows, position, lag, drift, and what an apply would still do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field

from engine.errors import LakeError, SourceError, SourceUnreachable, TransportError
from engine.planner.plan import Binding, Plan
from engine.planner.steps import ordered
from engine.planner.unfinished import sentence
from engine.planner.workspace import Workspace
from engine.resources.change import Action, Change
from engine.resources.collection import Sample, SourceView
from engine.resources.standing import Standing
from engine.resources.table_desired import KIND as TABLE
from engine.resources.table_desired import is_log
from engine.resources.table_status import TableStatus, folded_status, log_status
from engine.spec.pipeline import Pipeline
from engine.spec.target import S3
from engine.spec.types import Struct
from engine.state.canonical import Json
from engine.state.reconciliations import Reconciliation, Reconciliations

SOUND = "keeps commits apart"
"""What a store is said to do that enforces conditional put."""


class SourceDown:
    """Stands in for a source that does not answer: what has tables is known without it."""

    def existing(self, patterns: Sequence[str]) -> Collection[str]:  # noqa: ARG002  SourceView's
        """Nothing can be seen."""
        return ()

    def stream_problem(self) -> tuple[str, str] | None:
        """Nobody knows."""
        return None

    def documents(self, namespace: str) -> int | None:  # noqa: ARG002  SourceView's
        """Nobody knows."""
        return None

    def sample(self, namespace: str, pipeline: Pipeline) -> Sample:  # noqa: ARG002  SourceView's
        """Nothing can be seen."""
        return Sample(0, Struct({}))


@dataclass(frozen=True, slots=True)
class TableReport:
    """One line of a status: a Delta table and what the plan says of it."""

    pipeline: str
    table: str
    action: str
    """What an apply would do: ``no-op`` when nothing."""
    drift: bool
    half_applied: bool
    status: TableStatus

    @property
    def state(self) -> str:
        """In a word or two."""
        if self.status.problem:
            return "unreadable"
        if self.half_applied:
            return "half-applied"
        if self.drift:
            return "drift"
        return "ok" if self.action == Action.NO_OP else f"pending {self.action}"


@dataclass(frozen=True, slots=True)
class Report:
    """The status of one scope."""

    target: str
    lake: str
    source: str
    """``answers``, or why it cannot be read."""
    store: str
    """``SOUND``, or why that is not so; empty for a local lake."""
    unfinished: str
    tables: tuple[TableReport, ...] = field(default_factory=tuple)
    standings: tuple[Standing, ...] = ()
    """Everything that is no table: topics and connectors."""
    passes: tuple[Reconciliation, ...] = ()
    """Reconciliations that are under way, or were cut off."""

    def to_json(self) -> dict[str, Json]:
        """For tools."""
        tables: list[Json] = [
            {
                "pipeline": one.pipeline,
                "table": one.table,
                "state": one.state,
                "action": one.action,
                "drift": one.drift,
                "half_applied": one.half_applied,
                **asdict(one.status),
            }
            for one in self.tables
        ]
        return {
            "target": self.target,
            "lake": self.lake,
            "source": self.source,
            "store": self.store,
            "unfinished": self.unfinished,
            "tables": tables,
            "resources": [one.to_json() for one in self.standings],
            "reconciliations": [
                {"id": one.id, "table": one.table, "is_under_way": one.is_under_way, "standing": one.standing}
                for one in self.passes
            ],
        }


def report(workspace: Workspace, open_source: AbstractContextManager[SourceView]) -> Report:
    """Look at everything, change nothing; a source that is down is said, not raised.

    A store is asked whether it enforces conditional put, with an object that is gone afterwards.

    Raises:
        StateError: the state cannot be read.
    """
    plan, source = _plan(workspace, open_source)
    options = workspace.scope.target.lake.storage_options()
    tables = tuple(_tables(plan, workspace, options))
    standings = tuple(one for name, kind in workspace.kinds.items() for one in kind.standings(_of(plan, name)))
    passes = tuple(Reconciliations(workspace.database, workspace.scope.name).unfinished())
    return Report(plan.target, plan.lake, source, _store(workspace), plan.unfinished, tables, standings, passes)


def _store(workspace: Workspace) -> str:
    if not workspace.scope.lake.startswith(S3):
        return ""
    try:
        workspace.require_sound_store()
    except LakeError as error:
        return error.what
    return SOUND


def _of(plan: Plan, kind: str) -> tuple[Change, ...]:
    return tuple(change for change in plan.changes if change.kind == kind)


def _plan(workspace: Workspace, open_source: AbstractContextManager[SourceView]) -> tuple[Plan, str]:
    try:
        with open_source as source:
            return _plan_with(workspace, source), "answers"
    except (SourceError, SourceUnreachable) as error:
        return _plan_with(workspace, SourceDown()), error.what


def _plan_with(workspace: Workspace, source: SourceView) -> Plan:
    try:
        return workspace.plan(source, with_samples=False)
    except (LakeError, TransportError):
        # A table or a server that cannot be read stops a plan; a status tells which one it is.
        return _as_applied(workspace)


def _as_applied(workspace: Workspace) -> Plan:
    changes = tuple(
        Change(
            address=one.address,
            kind=one.kind,
            title=workspace.kinds[one.kind].title(one),
            pipeline=one.pipeline,
            action=Action.NO_OP,
            depends_on=workspace.kinds[one.kind].upstream(one),
            desired=one.attributes,
        )
        for one in workspace.applied().values()
    )
    scope = workspace.scope
    return Plan(scope.name, scope.lake, ordered(changes), Binding(), unfinished=sentence(workspace.unfinished()))


def _tables(plan: Plan, workspace: Workspace, options: Mapping[str, str]) -> Iterator[TableReport]:
    journal = workspace.unfinished()
    for change in _of(plan, TABLE):
        uri = str(change.desired["uri"])
        if not is_log(change.address):
            log_uri = f"{uri.rpartition('/')[0]}/changes"
            status = folded_status(uri, log_uri, options)
        else:
            status = log_status(uri, options)
        begun = journal is not None and any(s.address == change.address for s in journal.steps)
        yield TableReport(
            change.pipeline,
            change.title,
            change.action.value,
            change.drifted,
            begun and _is_open(change),
            status,
        )


def _is_open(change: Change) -> bool:
    return change.action is not Action.NO_OP
