"""What one plan is about: a target and the pipelines that run on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import UsageError
from engine.spec.pipeline import Pipeline
from engine.spec.project import Project
from engine.spec.target import Target
from engine.spec.yaml_tree import Tree


@dataclass(frozen=True, slots=True)
class Scope:
    """One target with its pipelines; plans, locks and journals are of one scope."""

    root: Path
    target: Target
    pipelines: tuple[Pipeline, ...]
    elsewhere: frozenset[str] = frozenset()
    """Pipelines of the project that run on other targets: what this target has of them is left alone."""
    trees: Mapping[str, Tree] = field(default_factory=dict, repr=False, compare=False)
    """``target NAME`` and ``pipeline NAME`` -> the file."""

    @property
    def name(self) -> str:
        """The target's name."""
        return self.target.target

    @property
    def lake(self) -> str:
        """Absolute path or s3:// address of the lake."""
        return self.target.lake.location(self.root)

    def files_of(self, pipeline: Pipeline) -> dict[str, Tree]:
        """``target`` and ``pipeline`` -> the files of the two."""
        named = {"target": f"target {self.name}", "pipeline": f"pipeline {pipeline.pipeline}"}
        return {of: self.trees[name] for of, name in named.items() if name in self.trees}


def one_scope(project: Project, override: str | None = None) -> Scope:
    """The scope of a command that is about one target.

    Raises:
        UsageError: the pipelines run on several targets, and none is chosen.
    """
    found = scopes(project, override)
    if len(found) > 1:
        names = ", ".join(scope.name for scope in found)
        raise UsageError(
            f"the pipelines run on {len(found)} targets: {names}", where="--target", remedy="give --target NAME"
        )
    return found[0]


def scopes(project: Project, override: str | None = None) -> tuple[Scope, ...]:
    """The scopes of a project, by target name; never none.

    Raises:
        UsageError: a pipeline or ``--target`` names a target that is not there.
    """
    by_target: dict[str, list[Pipeline]] = {}
    for pipeline in project.pipelines.values():
        by_target.setdefault(project.target_for(pipeline, override).target, []).append(pipeline)
    if not by_target:
        by_target[project.target(override).target] = []
    return tuple(
        Scope(
            project.root,
            project.targets[name],
            tuple(sorted(pipelines, key=lambda pipeline: pipeline.pipeline)),
            frozenset(project.pipelines) - {pipeline.pipeline for pipeline in pipelines},
            project.trees,
        )
        for name, pipelines in sorted(by_target.items())
    )
