"""One run: the chosen pipelines of a project, from their specs to how each table ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias

from engine.errors import UserError
from engine.lake.store_probe import require_conditional_put
from engine.runtime.connector_watch import watched_connectors
from engine.runtime.garbage import look_for_garbage_rarely
from engine.runtime.jobs import TableJob, choose_pipelines, table_jobs
from engine.runtime.leases import log_lease
from engine.runtime.registration import registered
from engine.runtime.reports import Report
from engine.runtime.sources import Clients
from engine.runtime.stopping import StopRequest
from engine.runtime.supervisor import Outcome, Watcher, supervise
from engine.runtime.wanted import Run
from engine.runtime.worker import Worker
from engine.secrets.vaults import VAULTS
from engine.spec.pipeline import Pipeline
from engine.spec.project import load_project
from engine.telemetry.counters import TableCounters
from engine.telemetry.logs import logger

Show: TypeAlias = Callable[[Sequence[TableCounters]], AbstractContextManager[Watcher]]
"""Makes what shows these counters while the tables run."""


def run_tables(run: Run, stop: StopRequest, show: Show) -> list[Outcome]:
    """Run every table of the chosen pipelines until all have ended, caught up or told to stop.

    Raises:
        UserError: the specs, the names or the target are wrong, or no collection matches.
        SourceUnreachable: globs cannot be looked up.
        LakeError: a lake's store would lose commits.
    """
    project = load_project(run.project)
    pipelines = choose_pipelines(project, run.pipelines)
    clients = Clients()
    VAULTS.hear(log_lease)
    try:
        jobs = table_jobs(project, pipelines, run.target, clients.namespaces)
        _require_tables(pipelines, jobs)
        for job in jobs:
            require_conditional_put(job.lake_uri, job.target.lake.storage_options())
        workers = [
            Worker(
                job,
                clients.feed(job),
                stop,
                Report(job.table, job.pipeline.pipeline),
                until_caught_up=run.until_caught_up,
            )
            for job in jobs
        ]
        look_for_garbage_rarely()  # all that tables need is loaded
        with (
            show([worker.report.counters for worker in workers]) as watcher,
            registered(project.root, jobs, watcher) as known,
            watched_connectors(workers),
        ):
            return supervise(workers, stop, known)
    finally:
        clients.close()
        VAULTS.close()


def _require_tables(pipelines: Sequence[Pipeline], jobs: Sequence[TableJob]) -> None:
    """A glob that matches nothing yet is worth a warning; nothing to do at all is an error."""
    busy = {job.pipeline.pipeline for job in jobs}
    idle = [pipeline for pipeline in pipelines if pipeline.pipeline not in busy]
    for pipeline in idle:
        logger(pipeline=pipeline.pipeline).warning(
            "no collection matches", collections=", ".join(pipeline.source.collections)
        )
    if idle and not jobs:
        raise UserError(
            "no collection matches, so there is nothing to run",
            where=", ".join(f"pipeline {pipeline.pipeline}" for pipeline in idle),
            remedy="correct `source.collections`, or create a collection, then run `oplake apply`",
        )
