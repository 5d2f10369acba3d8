"""The ``oplake`` command: finds the subcommand, and turns every error into one message and an exit code."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import click

from engine.cli.paint import Painter
from engine.errors import OperatorError, OplakeError

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "init": "Write starter specs into an empty folder.",
        "validate": "Check all specs and show every problem with its line.",
        "schema": "Write the JSON Schemas that editors complete specs with.",
        "plan": "Show what differs between the specs and the world.",
        "apply": "Make the world as the specs say.",
        "run": "Move changes into the lake until stopped.",
        "dead-letters": "List, replay or drop records that could not be decoded.",
        "query": "Query the tables with SQL.",
        "reconcile": "Prove that the tables equal the collections.",
        "serve": "Serve the API and its page.",
        "jobs": "Do what the service was asked for.",
        "keys": "Make, list and revoke keys of the service.",
        "state": "Show and upgrade the state database.",
        "status": "Show every table: rows, position, lag, drift.",
        "render": "Write topics and connectors as manifests for Strimzi.",
        "destroy": "Delete tables that oplake created.",
        "generate": "Write seeded documents and changes into MongoDB.",
        "stack": "Run MongoDB, Kafka, Connect and an S3 store on this machine.",
    }
)
"""Command -> its one-line help, in the order of a table's life. Each lives in ``engine.cli``, with ``_`` for ``-``."""

EXIT_CODES = """\b
Exit codes:
  0  clean            3  changes pending  5 a difference is confirmed
  1  error            4  drift
  2  wrong usage      6  incomplete: stopped before the batch in hand was written
                      130 interrupted
"""


class LazyGroup(click.Group):
    """Imports a command's module only when the command runs or its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, in the order of a table's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"engine.cli.{name}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"engine.cli.{name}.{name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        """List the commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest one that is spelled nearly so."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from engine.spec.diagnostics import did_you_mean

            raise click.UsageError(f"no command `{args[0]}`; {did_you_mean(args[0], list(COMMANDS))}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oplake", prog_name="oplake")
def cli() -> None:
    """Keep Delta Lake tables in step with MongoDB collections, exactly, from YAML files in git."""


def main() -> NoReturn:
    """Run the command line and exit with the code that its outcome has."""
    _prepare_streams()
    try:
        result = cli.main(prog_name="oplake", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OplakeError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        _discard_output()
        what = f"the system refused: {error.strerror or type(error).__name__}"
        show_error(OperatorError(what, where=str(error.filename or "writing output")))
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _prepare_streams() -> None:
    """Characters that a terminal cannot show are escaped, and a stream that somebody has closed takes everything."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """What is still buffered would fail again when Python closes standard output."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_error(error: OplakeError) -> None:
    """Print one error: what, where, and what to do next; of specs every problem with its line."""
    paint = Painter.for_stream(sys.stderr)
    diagnostics = getattr(error, "diagnostics", ())
    if diagnostics:
        from engine.cli.spec_text import as_text

        click.echo(as_text(diagnostics, paint), err=True, nl=False)
        return
    click.echo(f"{paint.red(f'error[{error.code}]')} {error.what}", err=True)
    if error.where:
        click.echo(f"  {paint.dim('where:')} {error.where}", err=True)
    if error.remedy:
        click.echo(f"  {paint.dim('help:')}  {error.remedy}", err=True)
