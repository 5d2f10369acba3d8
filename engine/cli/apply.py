"""``oplake apply``: make the world as git asks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import project_option, target_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.planner.apply import Apply
    from engine.planner.plan import Plan


@click.command()
@click.argument("plan_file", required=False, type=click.Path(dir_okay=False, path_type=Path), metavar="[FILE]")
@project_option
@target_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--allow-replace", is_flag=True, help="Allow tables and topics to be replaced or deleted with what they hold."
)
@click.option(
    "--re-snapshot",
    "collections",
    multiple=True,
    metavar="COLLECTION",
    help="On Kafka: copy this collection again (database.collection; may be given several times), and nothing else.",
)
@click.option("--reset-offsets", is_flag=True, help="On Kafka: a new connector forgets what an earlier one had read.")
@click.option("--break-lock", is_flag=True, help="Take the lock of a process on a host that is gone for good.")
def apply(
    plan_file: Path | None,
    project: Path,
    target: str | None,
    *,
    yes: bool,
    allow_replace: bool,
    collections: tuple[str, ...],
    reset_offsets: bool,
    break_lock: bool,
) -> int:
    """Plan, ask, and make the world as the specs say; with FILE carry out exactly that plan, without asking.

    An apply that was interrupted at any moment is carried on with by applying again.
    """
    from engine.cli.plan_text import ask, refuse_to_guess, show_step
    from engine.planner.apply import Apply

    def confirm(plan: Plan) -> bool:
        return ask(plan, "Apply this?", yes=yes)

    how = Apply(show_step, confirm, allow_replace=allow_replace, break_lock=break_lock)
    if plan_file is not None:
        return _apply_file(plan_file, project, how, reset_offsets=reset_offsets)
    refuse_to_guess(yes=yes, command="apply")
    if collections:
        return _snapshot_again(project, target, collections, yes=yes, break_lock=break_lock)
    return _apply_all(project, target, how, reset_offsets=reset_offsets)


def _snapshot_again(
    project: Path, target: str | None, collections: tuple[str, ...], *, yes: bool, break_lock: bool
) -> int:
    from engine.planner.resnapshot import connectors_of, take_snapshots
    from engine.planner.scope import one_scope
    from engine.planner.workspace import open_workspace
    from engine.resources.mongodb_view import open_source
    from engine.spec.project import load_project

    scope = one_scope(load_project(project), target)
    with (
        open_workspace(scope, create=True) as workspace,
        open_source(scope.target) as source,
        workspace.locked("apply", break_lock=break_lock),
    ):
        asked = connectors_of(workspace, source, collections)
        for address, names in asked.items():
            told = [f"{name} ({source.documents(name) or 0:,} documents)" for name in names]
            click.echo(f"  {address}: copies {', '.join(told)} again; changes wait meanwhile")
        if not yes and not click.confirm("Do this?", default=False):
            click.echo("Nothing was changed.")
            return 0
        take_snapshots(workspace, asked)
        click.echo("Asked for. Documents come as reads; `oplake status` shows the connectors.")
    return 0


def _apply_all(project: Path, target: str | None, how: Apply, *, reset_offsets: bool) -> int:
    from engine.cli.plan_text import show_outcome
    from engine.planner.apply import apply_scope
    from engine.planner.scope import scopes
    from engine.planner.workspace import open_workspace
    from engine.resources.mongodb_view import open_source
    from engine.spec.project import load_project

    for scope in scopes(load_project(project), target):
        opened = open_workspace(scope, create=True, reset_offsets=reset_offsets)
        with opened as workspace, open_source(scope.target) as source:
            show_outcome(apply_scope(workspace, source, how), "Applied")
    return 0


def _apply_file(plan_file: Path, project: Path, how: Apply, *, reset_offsets: bool) -> int:
    from engine.cli.plan_text import show_outcome
    from engine.planner.apply import apply_file
    from engine.planner.plan import read_plan
    from engine.planner.scope import scopes
    from engine.planner.workspace import open_workspace
    from engine.resources.mongodb_view import open_source
    from engine.spec.project import load_project

    text = _read(plan_file)
    name = read_plan(text, str(plan_file)).target
    loaded = load_project(project)
    scope = next((one for one in scopes(loaded) if one.name == name), None) or scopes(loaded, name)[0]
    opened = open_workspace(scope, create=True, reset_offsets=reset_offsets)
    with opened as workspace, open_source(scope.target) as source:
        show_outcome(apply_file(workspace, source, text, str(plan_file), how), "Applied")
    return 0


def _read(plan_file: Path) -> str:
    try:
        return plan_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the plan file cannot be read", where=str(plan_file), remedy="oplake plan --out FILE writes one"
        ) from error
