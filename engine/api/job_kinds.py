"""What each kind of job does: the same calls as the command line's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from engine.api.reconcile_job import reconcile_as_job
from engine.errors import InternalError, PlanRefused
from engine.planner.apply import Apply, apply_scope
from engine.planner.plan import Plan
from engine.planner.resnapshot import connectors_of, take_snapshots
from engine.planner.scope import one_scope
from engine.planner.workspace import Workspace, open_workspace
from engine.resources.change import Change
from engine.resources.collection import SourceView
from engine.resources.mongodb_view import open_source
from engine.runtime.letters import letters_of, replay_letters
from engine.spec.project import load_project
from engine.state.canonical import Json
from engine.state.jobs import Job
from engine.state.journal import JournalStep


class Cancelled(Exception):
    """Somebody asked for the job to be stopped, and this is a place where it can be."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job and what it has to hand."""

    job: Job
    project: Path
    target: str | None
    say: Callable[[str], None]
    """Tells how far it is.

    Raises:
        Cancelled: here is where to stop.
    """
    look: Callable[[], None]
    """Says nothing, and raises as ``say`` does."""

    def text(self, name: str) -> str:
        """An argument that is text."""
        return str(self.job.arguments[name])


Kind: TypeAlias = Callable[[Work], Json]


def carry_out(work: Work) -> Json:
    """Do the job and return its result; raises what stops it."""
    kind = KINDS.get(work.job.kind)
    if kind is None:
        raise InternalError(f"nobody here knows jobs of the kind {work.job.kind!r}")
    return kind(work)


def _apply(work: Work) -> Json:
    """The plan is made again under the lock; another one than was asked for is not carried out."""
    scope = one_scope(load_project(work.project), work.target)
    asked = work.text("digest")

    def show(step: JournalStep, change: Change, total: int) -> None:
        work.say(f"[{step.number}/{total}] {step.verb} {change.title}")

    with open_workspace(scope, create=True) as workspace, open_source(scope.target) as source:
        begun = workspace.unfinished()
        # A worker that died in the middle of this very plan has changed what a plan is made from.
        allowed = {asked, "" if begun is None or begun.plan_digest != asked else _digest(workspace, source)}

        def confirm(plan: Plan) -> bool:
            if plan.digest not in allowed:
                raise PlanRefused(
                    "the plan is another one by now",
                    where=f"target {plan.target}",
                    remedy="look at the plan again, and apply that one: GET /api/v1/plan",
                )
            return True

        how = Apply(show, confirm, allow_replace=bool(work.job.arguments["allow_replace"]))
        outcome = apply_scope(workspace, source, how)
    return {"target": outcome.plan.target, "steps": outcome.steps}


def _digest(workspace: Workspace, source: SourceView) -> str:
    return workspace.plan(source, with_samples=False).digest


def _snapshot(work: Work) -> Json:
    scope = one_scope(load_project(work.project), work.target)
    named: Any = work.job.arguments["collections"]
    with (
        open_workspace(scope, create=True) as workspace,
        open_source(scope.target) as source,
        workspace.locked("apply"),
    ):
        asked = connectors_of(workspace, source, [str(name) for name in named])
        for address, names in asked.items():
            work.say(f"{address}: copies {', '.join(names)} again")
        take_snapshots(workspace, asked)
        return {address: list(names) for address, names in asked.items()}


def _replay(work: Work) -> Json:
    return asdict(replay_letters(load_project(work.project), work.text("pipeline"), work.target))


def _drop(work: Work) -> Json:
    letters, *_ = letters_of(load_project(work.project), work.text("pipeline"), work.target)
    return {"dropped": letters.drop(replayed_only=bool(work.job.arguments["replayed_only"]))}


def _reconcile(work: Work) -> Json:
    arguments: Mapping[str, Any] = work.job.arguments
    return reconcile_as_job(work.project, work.target, arguments["pipelines"], arguments["mode"], work.say, work.look)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {"apply": _apply, "snapshot": _snapshot, "replay": _replay, "drop-dead-letters": _drop, "reconcile": _reconcile}
)
