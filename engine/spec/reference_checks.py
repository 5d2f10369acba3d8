"""References of a file: well formed, only where they are resolved, and (for a target in use) with a value."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from engine.secrets.references import VAULT, Reference, UnresolvedReference, problem_of, references, resolve
from engine.secrets.secret import Secret
from engine.secrets.template import Template
from engine.spec.diagnostics import Diagnostic, Span
from engine.spec.model_fields import holds, is_known
from engine.spec.pipeline import Pipeline
from engine.spec.target import Target
from engine.spec.yaml_tree import Path, Tree, scalars


def check_references(tree: Tree, model: type[BaseModel]) -> Iterator[Diagnostic]:
    """References that are malformed, or stand where nothing resolves them."""
    for path, text in scalars(tree.data):
        found = list(references(text))
        if found and is_known(model, path) and not holds(model, path, Secret, Template):
            yield _misplaced(tree, model, path)
            continue
        for reference in found:
            problem = problem_of(reference)
            if problem:
                yield _at(tree, path, reference, "bad-reference", *problem)
                break


def unresolvable(tree: Tree) -> Iterator[Diagnostic]:
    """Well-formed references that stand for nothing here and now; values are looked up, never shown."""
    for path, text in scalars(tree.data):
        for reference in references(text):
            if reference.scheme == VAULT:
                continue  # to look one up is to be given credentials: that is for whoever uses them
            try:
                resolve(reference.text, folder=getattr(text, "folder", Template("").folder))
            except UnresolvedReference as error:
                yield _at(tree, path, reference, "undefined-reference", error.what, error.remedy)


def _misplaced(tree: Tree, model: type[BaseModel], path: Path) -> Diagnostic:
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if model is Target:
        where = "only addresses, secrets and the state of a target may hold references"
    else:
        what = "pipeline" if model is Pipeline else "query"
        where = f"a {what} says the same everywhere; what differs belongs into targets"
    return tree.diagnostic(path, "misplaced-reference", f"`{key}` cannot hold a reference", where)


def _at(tree: Tree, path: Path, reference: Reference, rule: str, message: str, suggestion: str) -> Diagnostic:
    """A problem at the reference itself, where its text stands in the line as it is."""
    found = tree.diagnostic(path, rule, message, suggestion)
    span = found.span
    column = found.snippet.find(reference.text, span.column - 1) + 1
    if not column:
        return found
    place = Span(span.file, span.line, column, len(reference.text))
    return Diagnostic(place, rule, message, suggestion, found.snippet)
