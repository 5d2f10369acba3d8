"""Reconciles one project's table inside the test's process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from engine.reconcile.job import Comparison
from engine.reconcile.reconciliation import reconcile
from engine.reconcile.result import Result
from engine.reconcile.settings import Settings
from engine.reconcile.verdict import Verdict
from engine.runtime.jobs import table_jobs
from engine.runtime.sources import Clients
from engine.spec.project import load_project
from engine.state.database import open_database
from tests.faults.project import Project


class Silent:
    """Nobody watches."""

    def expect(self, documents: int, rows: int) -> None: ...

    def read(self, documents: int = 0, rows: int = 0) -> None: ...


@contextmanager
def comparing(project: Project, **asked: object) -> Iterator[Comparison]:
    """The comparison of a project's one table."""
    settings = replace(Settings(project.folder), **asked)  # type: ignore[arg-type]
    loaded, clients = load_project(project.folder), Clients()
    (job,) = table_jobs(loaded, loaded.pipelines.values(), None, clients.namespaces)
    with closing(clients), closing(open_database(job.target.state_url(loaded.root))) as database:
        yield Comparison(job, loaded.root, settings, clients.of(job.target), database)


def compare(project: Project, **asked: object) -> Result:
    """Reconcile it."""
    with comparing(project, **asked) as comparison:
        return reconcile(comparison, Silent())


def told(result: Result) -> dict[str, Verdict]:
    """``_id`` -> verdict of each finding."""
    return {finding.identity: finding.verdict for finding in result.findings}
