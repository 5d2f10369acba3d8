"""Whether the references of a target can be resolved here and now."""

from __future__ import annotations

from collections.abc import Iterator

from engine.secrets.references import UnresolvedReference, references, resolve
from engine.spec.diagnostics import Diagnostic, SpecError
from engine.spec.project import Project
from engine.spec.target import Target
from engine.spec.yaml_tree import Tree, scalars


def check_resolvable(project: Project, target: Target | None) -> None:
    """Check the references of the target in use; the values are looked up, never shown.

    Raises:
        SpecError: with one problem a reference.
    """
    problems = [] if target is None else list(_unresolvable(project.trees[target.target]))
    if problems:
        raise SpecError(problems)


def _unresolvable(tree: Tree) -> Iterator[Diagnostic]:
    for path, value in scalars(tree.data):
        for reference in references(value):
            try:
                resolve(reference.text)
            except UnresolvedReference as error:
                yield tree.diagnostic(path, "undefined-reference", error.what, error.remedy)
