"""What somebody asked to be run. Light: a supervisor needs nothing else, and starts its processes the sooner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError
from engine.runtime.jobs import choose_pipelines
from engine.spec.project import load_project


@dataclass(frozen=True, slots=True)
class Run:
    """What somebody asked to be run."""

    project: Path
    """Folder that holds ``specs/``."""
    pipelines: Sequence[str] = ()
    """Names; none means all."""
    target: str | None = None
    until_caught_up: bool = False


def trace_settings(run: Run) -> dict[str, str]:
    """Where traces go as the specs have it: of the first target that says so.

    Raises:
        UserError: the specs, the names or the target are wrong.
    """
    project = load_project(run.project)
    targets = [project.target_for(pipeline, run.target) for pipeline in choose_pipelines(project, run.pipelines)]
    return next((settings for target in targets if (settings := target.trace_settings())), {})


def require_shareable(run: Run) -> None:
    """Make sure that several processes can share these tables.

    Raises:
        UsageError: a pipeline's target reads change streams, which one process does.
        UserError: the specs, the names or the target are wrong.
    """
    project = load_project(run.project)
    for pipeline in choose_pipelines(project, run.pipelines):
        target = project.target_for(pipeline, run.target)
        if target.transport.kafka is None:
            raise UsageError(
                f"target {target.target!r} reads change streams, and a change stream is one process's to read",
                where=f"--workers, pipeline {pipeline.pipeline}",
                remedy="leave --workers out, or run it on a target with `transport: kafka`",
            )
