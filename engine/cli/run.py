"""``oplake run``: move changes into the lake."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import pipelines_argument, project_option, target_option

if TYPE_CHECKING:
    from engine.errors import OplakeError
    from engine.runtime.running import Show
    from engine.runtime.stopping import StopRequest
    from engine.runtime.supervisor import Watcher
    from engine.runtime.wanted import Run
    from engine.telemetry.counters import TableCounters
    from engine.telemetry.progress import ProgressLine


_NOWHERE = ("", 0)


def _grace(_context: click.Context, _option: click.Parameter, text: str) -> float:
    from engine.spec.quantities import parse_duration

    try:
        return parse_duration(text).total_seconds()
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@pipelines_argument
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
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Run so many processes that share the topics' partitions; only with `transport: kafka`.",
)
@click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    default=0,
    envvar="OPLAKE_HEALTH_PORT",
    help="Answer /health, /ready and /metrics on this port [env: OPLAKE_HEALTH_PORT; default: 0, none].",
)
@click.option(
    "--health-host",
    default="127.0.0.1",
    envvar="OPLAKE_HEALTH_HOST",
    help="Address to answer on; 0.0.0.0 in a container [env: OPLAKE_HEALTH_HOST; default: 127.0.0.1].",
)
@click.option("--supervised", type=int, hidden=True, help="Number of this process under its supervisor.")
@click.option("--beats", type=int, hidden=True, help="Descriptor of the pipe to tell the supervisor through.")
def run(pipelines: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - click
    """Move changes into the tables of PIPELINE... (default: all) until stopped.

    The first SIGTERM or Ctrl-C finishes the batch in hand and exits 0; a second one, or the end of the
    grace, exits at once (6). Nothing is lost or doubled either way: the next run goes on from the last commit.

    On a terminal one line shows how far things are; elsewhere logs are written to stderr as JSON.

    With --workers each process logs for itself. One that dies is started again; when one dies again and again
    all of them stop. SIGHUP starts them anew one after the other. The same command on other hosts shares the same
    partitions.

    --health-port answers probes and Prometheus while tables run; with --workers for all processes together.
    """
    from engine.runtime.stopping import StopRequest, leave, stop_on_signals

    stop, grace = StopRequest(), options["grace"]
    with stop_on_signals(stop, grace):  # first of all: loading the rest takes a second
        from engine.runtime.wanted import Run, trace_settings

        wanted = Run(options["project"], pipelines, options["target"], options["until_caught_up"])
        address = (options["health_host"], options["health_port"])
        if options["workers"] is not None:
            leave(_run_processes(wanted, options["workers"], stop, grace, address))
        from engine.runtime.answering import answering
        from engine.runtime.running import run_tables
        from engine.telemetry.traces import tracing

        show: Show = _watch
        if options["supervised"] is not None:
            show, address = _supervised(options["supervised"], stop, grace), _NOWHERE
        with tracing("oplake-run", trace_settings(wanted)), answering(address, options["beats"], show) as watched:
            outcomes = run_tables(wanted, stop, watched)
        leave(max((outcome.error.exit_code for outcome in outcomes if outcome.error is not None), default=0))


def _run_processes(run: Run, count: int, stop: StopRequest, grace_s: float, address: tuple[str, int]) -> int:
    from engine.runtime.processes import Processes
    from engine.runtime.wanted import require_shareable
    from engine.telemetry.logs import configure

    require_shareable(run)
    configure(sys.stderr, as_json=not sys.stderr.isatty())
    arguments = ["run", *run.pipelines, "--project", str(run.project), "--grace", f"{int(grace_s * 1000)}ms"]
    arguments += ["--target", run.target] if run.target else []
    arguments += ["--until-caught-up"] if run.until_caught_up else []
    with ExitStack() as opened:
        vitals = None
        if address[1]:
            from engine.telemetry.metrics.server import health_server
            from engine.telemetry.metrics.supervised import SupervisedVitals

            vitals = SupervisedVitals(count)
            opened.enter_context(health_server(*address, vitals))
        processes = Processes(arguments, count, stop, grace_s, ends_by_itself=run.until_caught_up, vitals=vitals)
        signal.signal(signal.SIGHUP, lambda *_: processes.roll())
        return processes.run()


def _supervised(number: int, stop: StopRequest, grace_s: float) -> Show:
    """Logs that carry the number of the process, and an end that comes with the supervisor's."""
    from engine.runtime.stopping import stop_when_input_ends
    from engine.telemetry.logs import configure

    stop_when_input_ends(stop, grace_s)

    @contextmanager
    def show(_counters: Sequence[TableCounters]) -> Iterator[Watcher]:
        configure(sys.stderr, as_json=not sys.stderr.isatty(), worker=number)
        yield _Log()

    return show


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
