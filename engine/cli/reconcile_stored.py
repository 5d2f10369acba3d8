"""``oplake reconcile --list`` and ``--show``: what was found before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

_STATES = {0: "clean", 5: "DIFFERS", 6: "incomplete"}


def list_kept(pipelines: tuple[str, ...], options: Mapping[str, Any]) -> None:
    """One line a reconciliation, the newest first."""
    from engine.reconcile.stored import kept

    found = kept(options["project"], pipelines, options["target"])
    if options["as_json"]:
        fields = ("id", "table", "mode", "started_at", "finished_at", "exit_code", "is_under_way")
        plain = [{name: getattr(one, name) for name in fields} for one in found]
        click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
        return
    for one in found:
        totals = (one.result or {}).get("totals", {})
        said = ", ".join(f"{count:,} {verdict}" for verdict, count in totals.items())
        state = one.standing if one.exit_code is None else f"{_STATES[one.exit_code]} {said}".rstrip()
        click.echo(f"{one.id}  {one.started_at}  {one.table}: {one.mode}, {state}")
    if not found:
        click.echo("no reconciliation is kept", err=True)


def show_kept(pipelines: tuple[str, ...], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The result of one as it is kept: without the values of documents."""
    from engine.reconcile.stored import one_kept

    return one_kept(options["project"], pipelines, options["target"], options["show"]).result or {}
