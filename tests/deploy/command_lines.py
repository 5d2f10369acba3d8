"""Command lines that a deployment gives to oplake."""

from __future__ import annotations

from collections.abc import Sequence

import click

from engine.cli.main import cli


def require_understood(words: Sequence[str]) -> None:
    """Fail for a command, an option or a value that oplake does not take; nothing is run."""
    left = list(words)
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, left.pop(0))
        assert found is not None, words
        command = found
    command.make_context("oplake", left)  # raises for what it does not know
