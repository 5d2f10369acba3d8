"""``oplake keys``: who may use the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import project_option, target_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.state.api_keys import ApiKeys, Role


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that open the service."""


@keys.command()
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["viewer", "operator", "admin"]), default="viewer", show_default=True, help="May do."
)
@click.option("--expires", metavar="DURATION", help="Opens nothing after so long: 90d, 12h.")
@project_option
@target_option
def create(name: str, role: Role, expires: str | None, project: Path, target: str | None) -> None:
    """Make a key and print it, once: only its digest is kept."""
    if not name.strip() or not name.isprintable():
        raise UsageError("a key needs a name of one line", where="NAME", remedy="say who will use it, as `ann`")
    with _keys(project, target) as found:
        _, text = found.create(name, role, _time(expires) if expires else None)
    click.echo(text)


@keys.command("list")
@project_option
@target_option
def list_(project: Path, target: str | None) -> None:
    """Show every key without its secret."""
    with _keys(project, target) as found:
        for key in found.all():
            state = f"revoked {key.revoked_at}" if key.revoked_at else f"expires {key.expires_at or 'never'}"
            click.echo(f"{key.id}  {key.role:<8}  {key.created_at}  {state}  {key.name}")


@keys.command()
@click.argument("key_id", metavar="ID")
@project_option
@target_option
def revoke(key_id: str, project: Path, target: str | None) -> None:
    """Make a key open nothing any more; servers that run know it within seconds."""
    with _keys(project, target) as found:
        if not found.revoke(key_id):
            raise UsageError(f"there is no key {key_id!r} to revoke", remedy="`oplake keys list` shows their ids")
    click.echo(f"revoked {key_id}")


@contextmanager
def _keys(project: Path, target: str | None) -> Iterator[ApiKeys]:
    from engine.planner.scope import one_scope
    from engine.spec.project import load_project
    from engine.state.api_keys import ApiKeys
    from engine.state.database import open_database

    scope = one_scope(load_project(project), target)
    database = open_database(scope.target.state_url(scope.root))
    try:
        yield ApiKeys(database)
    finally:
        database.close()


def _time(duration: str) -> str:
    from engine.spec.quantities import parse_duration

    try:
        return (datetime.now(UTC) + parse_duration(duration)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{duration!r} {error}", where="--expires") from None
