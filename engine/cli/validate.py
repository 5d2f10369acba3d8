"""``oplake validate``: every problem of every spec."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.cli.options import project_option, target_option


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
def validate(project: Path, target: str | None, style: str) -> int:
    """Check all specs and show every problem with its line, its rule and a suggestion.

    The references of the target in use (--target) must resolve; those of other targets need only be well formed.
    """
    from engine.cli.paint import Painter
    from engine.cli.spec_report import FORMATS, summary
    from engine.spec.diagnostics import SpecError
    from engine.spec.project import load_project
    from engine.spec.resolution import check_resolvable

    try:
        loaded = load_project(project)
        check_resolvable(loaded, loaded.target(target) if target or loaded.targets else None)
    except SpecError as error:
        click.echo(FORMATS[style](error.diagnostics, Painter.for_stream(sys.stdout)), nl=False)
        return error.exit_code
    empty = FORMATS[style]((), Painter.for_stream(sys.stdout))
    click.echo(summary(loaded) if style == "text" else empty, nl=style == "text")
    return 0
