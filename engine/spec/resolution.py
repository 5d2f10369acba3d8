"""Whether the references of a target can be resolved here and now."""

from __future__ import annotations

from engine.spec.diagnostics import SpecError
from engine.spec.project import Project
from engine.spec.reference_checks import unresolvable
from engine.spec.target import Target


def check_resolvable(project: Project, target: Target) -> None:
    """Check the references of the target in use; the values are looked up, never shown.

    Raises:
        SpecError: with one problem a reference.
    """
    problems = list(unresolvable(project.trees[f"target {target.target}"]))
    if problems:
        raise SpecError(problems)
