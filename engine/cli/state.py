"""``oplake state``: the state database of a target, as whoever upgrades oplake sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from engine.cli.options import project_option, target_option

PENDING = 3


@click.group()
def state() -> None:
    """Show and upgrade the state database."""


@state.command()
@project_option
@target_option
def show(project: Path, target: str | None) -> int:
    """Say where the state is and how it stands to this oplake; exits 3 when an upgrade is due."""
    from engine.state.database import look_at_schema

    is_due = False
    for name, url in _urls(project, target):
        schema = look_at_schema(url)
        is_due |= not schema.is_current
        found = f"schema {schema.found}" if schema.found else "no state yet"
        due = "" if schema.is_current else f", an upgrade to schema {schema.newest} is due"
        click.echo(f"Target {name}: {schema.place}: {found}{due}")
    return PENDING if is_due else 0


@state.command()
@project_option
@target_option
def upgrade(project: Path, target: str | None) -> None:
    """Bring the state to the schema of this oplake, in one transaction; where there is none, make it.

    Every command that writes does this by itself. Doing it first, on its own, keeps it apart from what else may fail.
    """
    from engine.state.database import look_at_schema, open_database

    for name, url in _urls(project, target):
        before = look_at_schema(url)
        open_database(url).close()
        done = "nothing to do" if before.is_current else f"upgraded from {before.found}" if before.found else "made"
        click.echo(f"Target {name}: {before.place}: schema {before.newest}, {done}")


def _urls(project: Path, target: str | None) -> Iterator[tuple[str, str]]:
    """The targets that pipelines run on, or the one that is named, with the URL of their state."""
    from engine.planner.scope import scopes
    from engine.spec.project import load_project

    for scope in scopes(load_project(project), target):
        yield scope.name, scope.target.state_url(scope.root)
