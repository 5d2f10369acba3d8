"""Applies a scope: carry on with what stopped, plan, judge, carry out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from engine.planner.carry_out import Progress
from engine.planner.gate import refuse_errors, refuse_loss, refuse_stale
from engine.planner.plan import Plan, read_plan
from engine.planner.workspace import Workspace, can_resume
from engine.resources.collection import SourceView

Confirm: TypeAlias = Callable[[Plan], bool]
"""Shown the plan that is about to be carried out; False stops."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did."""

    plan: Plan
    steps: int
    """Steps carried out, resumed ones included."""
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Apply:
    """How one apply behaves."""

    progress: Progress
    confirm: Confirm
    allow_replace: bool = False
    break_lock: bool = False


def apply_scope(workspace: Workspace, source: SourceView, how: Apply) -> Outcome:
    """Make the world as git asks.

    Raises:
        LakeError: the lake's store would lose commits.
        PlanRefused: the plan has errors, or would delete rows that nobody agreed to lose.
        LockHeld: somebody else is at it.
    """
    workspace.require_sound_store()
    with workspace.locked("apply", break_lock=how.break_lock):
        resumed = _resume(workspace, source, how)
        plan = workspace.plan(source)
        if plan.is_empty:
            return Outcome(plan, resumed)
        refuse_errors(plan)
        if not how.confirm(plan):
            return Outcome(plan, resumed, confirmed=False)
        refuse_loss(plan, allow_replace=how.allow_replace)
        return Outcome(plan, resumed + workspace.executor(how.progress).start(plan))


def _resume(workspace: Workspace, source: SourceView, how: Apply) -> int:
    """Finish the apply that stopped, if git still asks for the same; else the new plan takes its place."""
    journal = workspace.unfinished()
    if journal is None:
        return 0
    now = workspace.plan(source, with_samples=False)
    if not can_resume(journal, now):
        return 0
    if not how.confirm(now):
        return 0
    return workspace.executor(how.progress).resume(journal)


def apply_file(workspace: Workspace, source: SourceView, text: str, where: str, how: Apply) -> Outcome:
    """Carry out a plan made before, exactly as it was shown, or not at all.

    Raises:
        LakeError: the lake's store would lose commits.
        PlanRefused: it is stale, cannot be read, has errors or would delete rows without leave.
        LockHeld: somebody else is at it.
    """
    planned = read_plan(text, where)
    workspace.require_sound_store()
    with workspace.locked("apply", break_lock=how.break_lock):
        journal = workspace.unfinished()
        if journal is not None and journal.plan_digest == planned.digest:
            return Outcome(planned, workspace.executor(how.progress).resume(journal))
        refuse_stale(planned, workspace.plan(source, with_samples=False), where)
        refuse_errors(planned)
        refuse_loss(planned, allow_replace=how.allow_replace)
        if planned.is_empty:
            return Outcome(planned, 0)
        return Outcome(planned, workspace.executor(how.progress).start(planned))
