"""Which tables a run is about: the chosen pipelines, each with the collections it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from engine.errors import UsageError
from engine.lake.layout import TablePaths
from engine.runtime.step import Bounds
from engine.spec.diagnostics import did_you_mean
from engine.spec.pipeline import Pipeline
from engine.spec.project import Project
from engine.spec.target import Target


@dataclass(frozen=True, slots=True)
class TableJob:
    """One collection that is to become one table."""

    pipeline: Pipeline
    target: Target
    namespace: str
    """``database.collection``."""
    lake_uri: str

    @property
    def table(self) -> str:
        """The table's name."""
        return self.pipeline.table_name(self.namespace)

    @property
    def paths(self) -> TablePaths:
        """Where its Delta tables live."""
        return TablePaths(self.lake_uri, self.table)

    @property
    def folded_uri(self) -> str | None:
        """The current or history table; None when the change log is all there is."""
        match self.pipeline.table.mode:
            case "current":
                return self.paths.current
            case "history":
                return self.paths.history
            case "changes":
                return None

    @property
    def bounds(self) -> Bounds:
        """The limits of its loop."""
        batch, fold = self.pipeline.batch, self.pipeline.table.fold
        return Bounds(
            max_rows=batch.max_rows,
            max_bytes=batch.max_bytes,
            max_age_s=batch.max_age.total_seconds(),
            fold_every_s=fold.every.total_seconds() if self.folded_uri else None,
        )


def choose_pipelines(project: Project, names: Sequence[str]) -> list[Pipeline]:
    """The pipelines of these names, or all.

    Raises:
        UsageError: there is no pipeline of that name.
    """
    known = project.pipelines
    for name in names:
        if name not in known:
            raise UsageError(
                f"there is no pipeline {name!r}",
                where=str(project.root / "specs" / "pipelines"),
                remedy=did_you_mean(name, list(known)),
            )
    return [known[name] for name in dict.fromkeys(names or known)]


def table_jobs(
    project: Project,
    pipelines: Iterable[Pipeline],
    target_name: str | None,
    namespaces_of: Callable[[Target, Pipeline], Iterable[str]],
) -> list[TableJob]:
    """Every table of these pipelines.

    Args:
        target_name: ``--target``.
        namespaces_of: the collections that a pipeline's names and globs stand for on a target.
    """
    jobs = []
    for pipeline in pipelines:
        target = project.target_for(pipeline, target_name)
        lake_uri = target.lake.location(project.root)
        jobs += [TableJob(pipeline, target, namespace, lake_uri) for namespace in namespaces_of(target, pipeline)]
    return jobs
