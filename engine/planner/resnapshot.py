"""Asks the connectors of a target to copy some collections again, without any change of the specs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.errors import PlanRefused, UsageError
from engine.planner.plan import Plan
from engine.planner.workspace import Workspace
from engine.resources.collection import SourceView
from engine.resources.connector import ConnectorKind


def connectors_of(workspace: Workspace, source: SourceView, collections: Collection[str]) -> Mapping[str, list[str]]:
    """Address of a connector -> those of the collections that it follows.

    Raises:
        UsageError: no connector follows one of them, or the target has none.
        PlanRefused: something is still to be applied.
    """
    kind = _kind(workspace)
    plan = workspace.plan(source, with_samples=False)
    _refuse_pending(plan)
    found = {
        address: [name for name in collections if name in followed] for address, followed in kind.followed().items()
    }
    missing = sorted(set(collections) - {name for names in found.values() for name in names})
    if missing:
        raise UsageError(
            f"no connector follows {', '.join(missing)}",
            where="--re-snapshot",
            remedy="name a collection as database.collection, without wildcards: `oplake plan` lists them",
        )
    return {address: names for address, names in found.items() if names}


def take_snapshots(workspace: Workspace, asked: Mapping[str, list[str]]) -> None:
    """Send the signals; the connectors answer by copying.

    Raises:
        TransportError: a connector does not run, or Kafka does not take the signal.
    """
    kind = _kind(workspace)
    for address, names in asked.items():
        kind.snapshot(address, names)


def _kind(workspace: Workspace) -> ConnectorKind:
    kind = workspace.kinds.get(ConnectorKind.name)
    if not isinstance(kind, ConnectorKind):
        raise UsageError(
            "only connectors take snapshots again, and this target has none",
            where=f"target {workspace.scope.name}: transport",
            remedy="without Kafka, `oplake destroy` and `oplake apply` make a table anew",
        )
    return kind


def _refuse_pending(plan: Plan) -> None:
    if not plan.is_empty or plan.errors:
        raise PlanRefused(
            "something is still to be applied",
            where=f"target {plan.target}",
            remedy="`oplake apply` first; then ask for the snapshot again",
        )
