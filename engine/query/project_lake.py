"""The lake of a project's target, with what the specs say of its tables."""

from __future__ import annotations

from engine.query.catalogue import Lake
from engine.spec.pipeline import GLOB_CHARACTERS
from engine.spec.project import Project


def lake_of(project: Project, target_name: str | None) -> Lake:
    """The target's lake with the tables that its pipelines name.

    Raises:
        UsageError: there is no target of that name.
        UserError: a reference in the lake's settings cannot be resolved.
    """
    target = project.target(target_name)
    modes = {
        pipeline.table_name(namespace): pipeline.table.mode
        for pipeline in project.pipelines.values()
        for namespace in pipeline.source.collections
        if not any(mark in namespace for mark in GLOB_CHARACTERS)
        and project.target_for(pipeline, target_name) is target
    }
    return Lake(target.lake.location(project.root), target.lake.storage_options(), modes)
