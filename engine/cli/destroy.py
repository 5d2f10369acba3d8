"""``oplake destroy``: delete the tables that oplake created."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import pipelines_argument, project_option, target_option


@click.command()
@pipelines_argument
@project_option
@target_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--break-lock", is_flag=True, help="Take the lock of a process on a host that is gone for good.")
def destroy(pipelines: tuple[str, ...], project: Path, target: str | None, *, yes: bool, break_lock: bool) -> int:
    """Delete the tables, topics and connectors of these pipelines, or of all.

    Only what oplake created; MongoDB is not touched.
    """
    from engine.cli.plan_text import ask, refuse_to_guess, show_outcome, show_step
    from engine.planner.apply import Outcome
    from engine.planner.destroy import destruction
    from engine.planner.scope import scopes
    from engine.planner.workspace import open_workspace
    from engine.spec.project import load_project

    refuse_to_guess(yes=yes, command="destroy")
    for scope in scopes(load_project(project), target):
        with (
            open_workspace(scope, create=True) as workspace,
            workspace.locked("destroy", break_lock=break_lock),
        ):
            made = destruction(workspace, pipelines)
            if not made.pending:
                click.echo(f"Target {scope.name}: nothing to delete.")
                continue
            if not ask(made, "Delete these tables for good?", yes=yes):
                show_outcome(Outcome(made, 0, confirmed=False), "Destroyed")
                continue
            show_outcome(Outcome(made, workspace.executor(show_step).start(made)), "Destroyed")
    return 0
