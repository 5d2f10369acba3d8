"""Does what the service was asked for, outside of any request: jobs, and the runs that shall be."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path

from engine.api.job_kinds import Cancelled, Work, carry_out
from engine.api.problems import body_of
from engine.api.wished_runs import WishedRuns
from engine.errors import InternalError, OplakeError, StateError
from engine.planner.scope import one_scope
from engine.runtime.stopping import StopRequest
from engine.spec.project import load_project
from engine.state.database import Database, open_database
from engine.state.jobs import Jobs
from engine.state.lock import LockHeld, hold
from engine.state.wanted_runs import WantedRuns
from engine.telemetry.logs import logger
from engine.telemetry.traces import Span, span, tracing

LOOK_EVERY_S = 0.5
REPORT_EVERY_S = 1.0


def work(project: Path, target: str | None, stop: StopRequest, *, break_lock: bool = False) -> None:
    """Until a stop is asked for; the job in hand is finished first.

    Runs are looked after by one worker of a target, whichever came first; jobs by any.

    Args:
        break_lock: the worker that looked after runs is gone for good, so this one does.

    Raises:
        SpecError, UsageError: the project cannot be read.
        StateError: the state cannot be opened.
    """
    scope = one_scope(load_project(project), target)
    with ExitStack() as opened:
        opened.enter_context(tracing("oplake-jobs", scope.target.trace_settings()))
        database = open_database(scope.target.state_url(scope.root))
        opened.callback(database.close)
        jobs, wanted = Jobs(database, scope.name), WantedRuns(database, scope.name)
        runs = WishedRuns(["--project", str(project), "--target", scope.name], wanted)
        is_ours = False
        while not stop.requested:
            try:
                if not is_ours:
                    is_ours = _take_runs(opened, database, scope.name, runs, break_lock=break_lock)
                if is_ours:
                    runs.look_after()
                job = jobs.claim()
                if job is not None:
                    _do(Work(job, project, target, lambda _: None, lambda: None), jobs, runs if is_ours else None)
                    continue
            except StateError as error:
                logger().error("state not reached", what=error.what, where=error.where)
            time.sleep(LOOK_EVERY_S)


def _take_runs(opened: ExitStack, database: Database, target: str, runs: WishedRuns, *, break_lock: bool) -> bool:
    try:
        opened.enter_context(hold(database, f"runs:{target}", "`oplake jobs`", break_lock=break_lock))
    except LockHeld:
        return False
    opened.callback(runs.end)
    return True


def _do(asked: Work, jobs: Jobs, runs: WishedRuns | None) -> None:
    """In a thread of its own, while this one tells that both live."""
    job, progress = asked.job, list[str]()
    cancelled = threading.Event()

    def say(text: str) -> None:
        progress.append(text)
        if cancelled.is_set() or jobs.report(job, progress):
            raise Cancelled

    def look() -> None:
        if cancelled.is_set():
            raise Cancelled

    doing = threading.Thread(
        target=_finish, args=(Work(job, asked.project, asked.target, say, look), jobs), name=f"job {job.id}"
    )
    doing.start()
    while doing.is_alive():
        doing.join(REPORT_EVERY_S)
        try:
            if doing.is_alive() and jobs.report(job, progress):
                cancelled.set()
            if runs is not None:
                runs.look_after()
        except StateError as error:
            logger().error("state not reached", what=error.what, where=error.where)


def _finish(asked: Work, jobs: Jobs) -> None:
    job = asked.job
    names: dict[str, str | int] = {"oplake.job": job.id, "oplake.kind": job.kind, "oplake.attempt": job.attempts}
    with span("job", [] if job.trace is None else [job.trace], **names) as told:
        _finish_traced(asked, jobs, told)


def _finish_traced(asked: Work, jobs: Jobs, told: Span) -> None:
    job = asked.job
    log = logger(job=str(job.id), kind=job.kind)
    log.info("job begun", attempt=job.attempts)
    try:
        result = carry_out(asked)
    except Cancelled:
        told.tell(**{"oplake.outcome": "cancelled"})
        jobs.end(job, "cancelled")
        log.warning("job cancelled")
    except OplakeError as error:
        told.fail(error.code)
        jobs.end(job, "failed", error=body_of(error))
        log.warning("job failed", code=error.code, what=error.what, where=error.where, help=error.remedy)
    except Exception as error:  # noqa: BLE001  a bug in one job is no reason not to do the others
        told.fail(type(error).__name__)
        jobs.end(job, "failed", error=body_of(InternalError("the job met a bug", where=type(error).__name__)))
        log.error("job failed", error=error)  # noqa: TRY400  a traceback may quote data
    else:
        jobs.end(job, "done", result=result)
        log.info("job done")
