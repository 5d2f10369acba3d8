"""A plan that deletes: only tables that the state says oplake created, whatever git and the source say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engine.errors import UsageError
from engine.planner.binding import applied_digests
from engine.planner.plan import Binding, Plan
from engine.planner.steps import ordered
from engine.planner.unfinished import sentence
from engine.planner.workspace import Workspace
from engine.resources.change import Change
from engine.resources.resource import Around
from engine.state.applied import Applied


def destruction(workspace: Workspace, pipelines: Collection[str] = ()) -> Plan:
    """The plan that deletes everything of these pipelines, or of all of them.

    Raises:
        UsageError: a pipeline has nothing in the state.
        LakeError: a table is there and cannot be read.
    """
    applied = {name: one for name, one in workspace.applied().items() if one.kind in workspace.kinds}
    known = {one.pipeline for one in applied.values()}
    unknown = sorted(set(pipelines) - known)
    if unknown:
        raise UsageError(
            f"nothing was applied for {', '.join(unknown)}",
            where=f"target {workspace.scope.name}",
            remedy=f"applied here: {', '.join(sorted(known))}" if known else "nothing is applied here",
        )
    chosen = {name: one for name, one in applied.items() if not pipelines or one.pipeline in pipelines}
    changes = [_deletion(workspace, one) for one in chosen.values()]
    return Plan(
        target=workspace.scope.name,
        lake=workspace.scope.lake,
        changes=ordered(changes),
        binding=Binding(applied=applied_digests(chosen)),
        unfinished=sentence(workspace.unfinished()),
    )


def _deletion(workspace: Workspace, applied: Applied) -> Change:
    kind = workspace.kinds[applied.kind]
    stands = kind.observe(None, applied)
    change = kind.compare(None, applied, stands)
    told = kind.consequences(change, Around({applied.address: stands}))
    return replace(change, reason="oplake destroy", consequence=told)
