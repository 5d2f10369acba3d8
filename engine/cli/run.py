"""``oplake run``: move changes into the lake."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import project_option, target_option

if TYPE_CHECKING:
    from engine.errors import OplakeError
    from engine.runtime.supervisor import Watcher
    from engine.telemetry.counters import TableCounters
    from engine.telemetry.progress import ProgressLine


def _grace(_context: click.Context, _option: click.Parameter, text: str) -> float:
    from engine.spec.quantities import parse_duration

    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("pipelines", nargs=-1, metavar="[PIPELINE]...")
@project_option
@target_option
@click.option("--until-caught-up", is_flag=True, help="Stop when everything that had happened by now is in the tables.")
@click.option(
    "--grace",
    default="30s",
    show_default=True,
    callback=_grace,
    help="How long a stop waits for the batch in hand.",
)
def run(pipelines: tuple[str, ...], project: Path, target: str | None, *, until_caught_up: bool, grace: float) -> None:
    """Move changes into the tables of PIPELINE... (default: all) until stopped.

    The first SIGTERM or Ctrl-C finishes the batch in hand and exits 0; a second one, or the end of the
    grace, exits at once (6). Nothing is lost or doubled either way: the next run goes on from the last commit.

    On a terminal one line shows how far things are; elsewhere logs are written to stderr as JSON.
    """
    from engine.runtime.stopping import StopRequest, leave, stop_on_signals

    stop = StopRequest()
    with stop_on_signals(stop, grace):  # first of all: loading the rest takes a second
        from engine.runtime.running import Run, run_tables

        outcomes = run_tables(Run(project, pipelines, target, until_caught_up), stop, _watch)
        leave(max((outcome.error.exit_code for outcome in outcomes if outcome.error is not None), default=0))


@contextmanager
def _watch(counters: Sequence[TableCounters]) -> Iterator[Watcher]:
    """A progress line on a terminal with messages above it; JSON logs alone elsewhere."""
    from engine.telemetry.logs import configure
    from engine.telemetry.progress import ProgressLine

    if not sys.stderr.isatty():
        configure(sys.stderr, as_json=True)
        yield _Log()
        return
    line = ProgressLine(sys.stderr, counters)
    configure(line, as_json=False, level="warning")
    try:
        yield _Terminal(line)
    finally:
        line.close()


class _Log:
    """For whoever reads later."""

    def refresh(self) -> None:
        """Each commit has its own line already."""

    def failed(self, table: str, error: OplakeError) -> None:
        """One line with everything a person needs."""
        from engine.telemetry.logs import logger

        logger(table=table).error(
            "table failed", code=error.code, what=error.what, where=error.where, help=error.remedy
        )


class _Terminal:
    """For whoever watches."""

    def __init__(self, line: ProgressLine) -> None:
        self._line = line

    def refresh(self) -> None:
        """Show the totals of now."""
        self._line.show()

    def failed(self, table: str, error: OplakeError) -> None:  # noqa: ARG002  the place names it
        """The same message as for every other error, above the line."""
        from engine.cli.main import show_error

        self._line.clear()
        show_error(error)
