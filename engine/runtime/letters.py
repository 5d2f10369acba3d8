"""Where a pipeline's dead letters are."""

from __future__ import annotations

from engine.lake.dead_letters import DeadLetters
from engine.lake.layout import dead_letters_uri
from engine.runtime.jobs import choose_pipelines, table_jobs
from engine.runtime.replay import Replayed, replay
from engine.runtime.sources import Clients
from engine.spec.pipeline import Pipeline
from engine.spec.project import Project
from engine.spec.target import Target


def letters_of(project: Project, pipeline: str, target_name: str | None) -> tuple[DeadLetters, Pipeline, Target]:
    """The dead letters of a pipeline, its spec and its target.

    Raises:
        UsageError: there is no pipeline or target of that name.
    """
    (spec,) = choose_pipelines(project, [pipeline])
    target = project.target_for(spec, target_name)
    uri = dead_letters_uri(target.lake.location(project.root), spec.pipeline)
    return DeadLetters(uri, target.lake.storage_options()), spec, target


def replay_letters(project: Project, pipeline: str, target_name: str | None) -> Replayed:
    """Decode what waits once more and bring it into its tables; raises as ``replay`` and ``letters_of`` do."""
    letters, spec, target = letters_of(project, pipeline, target_name)
    clients = Clients()
    try:
        return replay(table_jobs(project, [spec], target.target, clients.namespaces), letters)
    finally:
        clients.close()
