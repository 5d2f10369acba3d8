"""``oplake plan``: what differs between git, the last apply and the world."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import project_option, target_option
from engine.errors import UsageError


@click.command()
@project_option
@target_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan here, for apply.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(project: Path, target: str | None, out: Path | None, *, as_json: bool) -> int:
    """Show what apply would do, why, and what it means for the data. Changes nothing.

    Exits with 0 when there is nothing to do, 3 when changes are pending, 4 when somebody altered or dropped a
    table outside oplake.
    """
    from engine.cli.plan_text import exit_code, show_json, show_plan
    from engine.planner.scope import scopes
    from engine.planner.workspace import open_workspace
    from engine.resources.mongodb_view import open_source
    from engine.spec.project import load_project

    found = scopes(load_project(project), target)
    if out is not None and len(found) > 1:
        names = ", ".join(scope.name for scope in found)
        raise UsageError(
            f"a plan file is for one target, and the pipelines run on {len(found)}: {names}",
            where="--out",
            remedy="give --target NAME",
        )
    plans = []
    for scope in found:
        with open_workspace(scope, create=False) as workspace, open_source(scope.target) as source:
            plans.append(workspace.plan(source))
    if as_json:
        show_json(plans)
    else:
        for number, made in enumerate(plans):
            click.echo("\n" * bool(number), nl=False)
            show_plan(made)
    if out is not None:
        _write(out, plans[0].to_text(), announce=not as_json)
    return exit_code(plans)


def _write(out: Path, text: str, *, announce: bool) -> None:
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the plan cannot be written: {error.strerror}", where=str(out)) from error
    if announce:
        click.echo(f"Written to {out}. Carry out exactly this: oplake apply {out}")
