"""What the commands about plans print, and how they ask."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from engine.cli.paint import Painter
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.planner.apply import Outcome
    from engine.planner.plan import Plan
    from engine.resources.change import Change
    from engine.state.journal import JournalStep

CLEAN, ERROR, PENDING, DRIFT = 0, 1, 3, 4


def show_plan(plan: Plan) -> None:
    """Print a plan for people, in colours when they sit at a terminal."""
    from engine.planner.explain import explain

    painter = Painter.for_stream(sys.stdout)
    styles = {
        "add": painter.green,
        "change": painter.yellow,
        "remove": painter.red,
        "drift": painter.yellow,
        "title": painter.bold,
        "dim": painter.dim,
        "error": painter.red,
    }
    click.echo(explain(plan, lambda text, style: styles[style](text)))


def show_json(plans: Sequence[Plan]) -> None:
    """Print a plan as its file holds it; several as a list."""
    body = [plan.to_json() for plan in plans]
    click.echo(json.dumps(body[0] if len(body) == 1 else body, indent=2, ensure_ascii=False))


def exit_code(plans: Sequence[Plan]) -> int:
    """1 when a plan has errors, 4 when somebody changed the world, 3 when something is to do, else 0."""
    if any(plan.errors for plan in plans):
        return ERROR
    if any(plan.drifted for plan in plans):
        return DRIFT
    return CLEAN if all(plan.is_empty for plan in plans) else PENDING


def refuse_to_guess(*, yes: bool, command: str) -> None:
    """Refuse to ask when nobody can answer.

    Raises:
        UsageError: standard input is no terminal and ``--yes`` was not given.
    """
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            f"`oplake {command}` asks before it changes anything, and nobody is at the terminal to answer",
            remedy=f"look at `oplake plan`, then add --yes: oplake {command} --yes",
        )


def ask(plan: Plan, question: str, *, yes: bool) -> bool:
    """Show a plan and ask; ``--yes`` answers."""
    show_plan(plan)
    click.echo()
    return yes or plan.errors != () or click.confirm(question, default=False)


def show_step(step: JournalStep, change: Change, total: int) -> None:
    """One line before each step."""
    click.echo(f"  [{step.number}/{total}] {step.verb} {change.title}")


def show_outcome(outcome: Outcome, verb: str) -> None:
    """What was done."""
    paint = Painter.for_stream(sys.stdout)
    if not outcome.confirmed:
        click.echo("Nothing was changed.")
    elif outcome.steps:
        steps = f"{outcome.steps} step{'s' * (outcome.steps != 1)}"
        click.echo(paint.green(f"{verb}: {steps} carried out on target {outcome.plan.target}."))
    else:
        show_plan(outcome.plan)
