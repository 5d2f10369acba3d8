"""``oplake jobs``: do what the service was asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.cli.options import project_option, target_option
from engine.runtime.stopping import StopRequest, leave, stop_on_signals

GRACE_S = 3600.0
"""A job in hand is finished; a second signal ends it, and the next worker begins it again."""


@click.command()
@click.option("--break-lock", is_flag=True, help="Look after runs, whose worker was on a host that is gone for good.")
@project_option
@target_option
def jobs(project: Path, target: str | None, *, break_lock: bool) -> None:
    """Do the jobs that the service was asked for, and keep those pipelines running that it was asked to run.

    SIGTERM finishes the job in hand. A worker that is killed loses nothing: the next one takes its job.
    """
    stop = StopRequest()
    with stop_on_signals(stop, GRACE_S):
        from engine.api.worker import work
        from engine.telemetry.logs import configure

        configure(sys.stderr, as_json=not sys.stderr.isatty())
        work(project.resolve(), target, stop, break_lock=break_lock)
    leave(0)
