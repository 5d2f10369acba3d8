"""One command: the chosen pipelines of a project, from their specs to a result for each table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from engine.errors import UserError
from engine.reconcile.due import due
from engine.reconcile.first_pass import Progress
from engine.reconcile.job import Comparison
from engine.reconcile.reconciliation import reconcile
from engine.reconcile.result import Result
from engine.reconcile.scan_order import go_on
from engine.reconcile.settings import Settings
from engine.runtime.jobs import TableJob, choose_pipelines, table_jobs
from engine.runtime.sources import Clients
from engine.spec.project import load_project
from engine.state.database import open_database


def reconcile_tables(
    settings: Settings,
    progress_for: Callable[[TableJob], Progress],
    mend: Callable[[Comparison, Result], None] | None = None,
    look: Callable[[], None] = go_on,
) -> Iterator[Result]:
    """Compare the tables one after the other.

    Args:
        mend: called with each result after it was handed on, while the table's job is still open.
        look: called again and again; what it raises ends the comparison.

    Raises:
        UserError: the specs, the names or the target are wrong, or no collection matches.
        OplakeError: a side of a table cannot be read.
    """
    project = load_project(settings.project)
    pipelines = choose_pipelines(project, settings.pipelines)
    clients = Clients()
    try:
        jobs = table_jobs(project, pipelines, settings.target, clients.namespaces)
        if not jobs:
            raise UserError(
                "no collection matches, so there is nothing to compare",
                where=", ".join(f"pipeline {pipeline.pipeline}" for pipeline in pipelines),
                remedy="correct `source.collections`, or create a collection, then run `oplake apply`",
            )
        for job in jobs:
            database = open_database(job.target.state_url(project.root))
            try:
                chosen = due(job, settings, database, datetime.now(UTC)) if settings.due else settings
                if chosen is None:
                    continue
                comparison = Comparison(job, project.root, chosen, clients.of(job.target), database, look)
                result = reconcile(comparison, progress_for(job))
                yield result
                if mend is not None:
                    mend(comparison, result)
            finally:
                database.close()
    finally:
        clients.close()
