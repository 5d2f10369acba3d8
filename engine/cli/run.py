"""``oplake run``: move changes into the lake."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import project_option, target_option
from engine.spec.quantities import parse_duration

if TYPE_CHECKING:
    from engine.telemetry.counters import TableCounters


def _grace(_context: click.Context, _option: click.Parameter, text: str) -> float:
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
    "--grace", default="30s", show_default=True, callback=_grace, help="How long a stop waits for the batch in hand."
)
def run(pipelines: tuple[str, ...], project: Path, target: str | None, *, until_caught_up: bool, grace: float) -> None:
    """Move changes into the tables of PIPELINE... (default: all) until stopped.

    The first SIGTERM or Ctrl-C finishes the batch in hand and exits 0; a second one, or the end of the grace, exits
    at once (6). Nothing is lost or doubled either way: the next run goes on from the last commit.
    """
    from engine.cli.main import show_error
    from engine.runtime.jobs import choose_pipelines, table_jobs
    from engine.runtime.reports import Report
    from engine.runtime.sources import Clients
    from engine.runtime.stopping import StopRequest, leave, stop_on_signals
    from engine.runtime.supervisor import supervise
    from engine.runtime.worker import Worker
    from engine.spec.project import load_project

    stop = StopRequest()
    with stop_on_signals(stop, grace):
        loaded = load_project(project)
        clients = Clients()
        jobs = table_jobs(loaded, choose_pipelines(loaded, pipelines), target, clients.namespaces)
        reports = [Report(job.table, job.pipeline.pipeline) for job in jobs]
        workers = [
            Worker(job, clients.of(job.target), stop, report, until_caught_up=until_caught_up)
            for job, report in zip(jobs, reports, strict=True)
        ]
        with _shown([report.counters for report in reports]) as show:
            outcomes = supervise(workers, stop, show) if workers else []
        clients.close()
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    for error in failed:
        show_error(error)
    leave(max((error.exit_code for error in failed), default=0))


@contextmanager
def _shown(counters: Sequence[TableCounters]) -> Iterator[Callable[[], None]]:
    """A progress line on a terminal with readable logs above it; JSON logs alone elsewhere."""
    from engine.telemetry.logs import configure
    from engine.telemetry.progress import ProgressLine

    if not sys.stderr.isatty():
        configure(sys.stderr, as_json=True)
        yield lambda: None
        return
    line = ProgressLine(sys.stderr, counters)
    configure(line, as_json=False, level="warning")
    try:
        yield line.show
    finally:
        line.close()
