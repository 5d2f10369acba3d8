"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def project_option(command: Command) -> Command:
    """``--project DIR``: the folder that holds specs/."""
    return click.option(
        "--project",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(),
        help="Folder that holds specs/ (default: this one).",
    )(command)


def target_option(command: Command) -> Command:
    """``--target NAME``: which target to use."""
    return click.option(
        "--target",
        metavar="NAME",
        help="Target to use (default: the pipeline's own, the only one, or `local`).",
    )(command)


def pipelines_argument(command: Command) -> Command:
    """``[PIPELINE]...``: none means what the command says of it."""
    return click.argument("pipelines", nargs=-1, metavar="[PIPELINE]...")(command)
