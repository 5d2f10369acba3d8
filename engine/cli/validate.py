"""``oplake validate``: every problem of every spec."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import project_option, target_option

if TYPE_CHECKING:
    from engine.spec.project import Project


@click.command()
@project_option
@target_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="text for people; json, sarif and github for tools.",
)
@click.option(
    "--no-references",
    is_flag=True,
    help="Do not look references up, only check their form: for machines without the secrets.",
)
def validate(project: Path, target: str | None, style: str, *, no_references: bool) -> int:
    """Check all specs and show every problem with its line, its rule and a suggestion.

    The references of the target in use must have values; those of other targets need only be well formed. The
    target in use is --target, else the only one, else `local`.
    """
    from engine.cli.paint import Painter
    from engine.cli.spec_report import FORMATS
    from engine.spec.diagnostics import SpecError
    from engine.spec.project import load_project
    from engine.spec.resolution import check_resolvable

    report = FORMATS[style]
    paint = Painter.for_stream(sys.stdout)
    try:
        loaded = load_project(project)
        in_use = loaded.default_target() if target is None else loaded.target(target)
        if in_use is not None and not no_references:
            check_resolvable(loaded, in_use)
        if loaded.queries:
            from engine.query.saved import check_saved

            check_saved(loaded)
    except SpecError as error:
        click.echo(report(error.diagnostics, paint), nl=False)
        return error.exit_code
    click.echo(_summary(loaded) if style == "text" else report((), paint), nl=False)
    return 0


def _summary(project: Project) -> str:
    from engine.spec.spec_files import SPECS, shown_path

    counts = [("pipeline", "pipelines", project.pipelines), ("target", "targets", project.targets)]
    counts += [("saved query", "saved queries", project.queries)] if project.queries else []
    *most, last = [f"{len(specs)} {one if len(specs) == 1 else many}" for one, many, specs in counts]
    return f"ok: {', '.join(most)} and {last} in {shown_path(project.root / SPECS)}\n"
