"""What keeps a plan from being applied."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import OperatorError, PlanRefused
from engine.planner.binding import differences
from engine.planner.plan import Plan
from engine.resources.resource import Verb
from engine.state.journal import JournalStep
from engine.state.runs import Runs


class TableInUse(OperatorError):
    """A run is writing a table that the plan would delete or replace."""

    code = "table-in-use"


def refuse_in_use(steps: Iterable[JournalStep], plan: Plan, runs: Runs) -> None:
    """Refuse to delete a table under a run.

    Raises:
        TableInUse: says which process writes it.
    """
    erased = {step.address for step in steps if step.verb == Verb.ERASE}
    tables = {change.title.partition("/")[0] for change in plan.changes if change.address in erased}
    writing = runs.writing(tables) if tables else []
    if not writing:
        return
    told = "\n".join(
        f"  {one.table}: process {one.process.pid} on {one.process.host}, since {one.since}" for one in writing
    )
    raise TableInUse(
        f"`oplake run` is writing tables that the plan deletes or replaces:\n{told}",
        where=f"target {plan.target}",
        remedy="stop it (SIGTERM or Ctrl-C finishes its batch), apply, and start it again; "
        "tables that the plan only changes need no stop",
    )


def refuse_errors(plan: Plan) -> None:
    """Refuse a plan that could not be made whole.

    Raises:
        PlanRefused: it carries errors.
    """
    if plan.errors:
        first = plan.errors[0]
        others = f" (and {len(plan.errors) - 1} more)" if len(plan.errors) > 1 else ""
        raise PlanRefused(f"{first.what}{others}", where=first.where, remedy=first.remedy)


def refuse_loss(plan: Plan, *, allow_replace: bool) -> None:
    """Refuse to delete rows that nobody agreed to lose.

    Raises:
        PlanRefused: something that holds data would be replaced or deleted, and ``--allow-replace`` was not given.
    """
    lost = [change for change in plan.pending if change.destroys]
    if not lost or allow_replace:
        return
    told = "\n".join(f"  {change.title}: {''.join(change.consequence[:1])}" for change in lost)
    raise PlanRefused(
        f"the plan deletes data:\n{told}",
        where=f"target {plan.target}",
        remedy="apply with --allow-replace if that is meant; else take the change out of the spec",
    )


def refuse_stale(planned: Plan, now: Plan, where: str) -> None:
    """Refuse a plan that was made from another world than the one that is there now.

    Raises:
        PlanRefused: says what changed.
    """
    changed = differences(planned.binding, now.binding)
    if planned.target != now.target or planned.lake != now.lake:
        changed = (f"the plan is for target {planned.target}, lake {planned.lake}", *changed)
    if not changed and planned.digest != now.digest:
        changed = ("an apply that stopped half-way was carried on with, or began",)
    if changed:
        told = "\n".join(f"  {line}" for line in changed)
        raise PlanRefused(
            f"the plan is stale; since it was made:\n{told}",
            where=where,
            remedy="make a new one and look at it again: oplake plan --out FILE",
        )
