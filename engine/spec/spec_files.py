"""Which files of a project are specs, and which stand where nobody looks for them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from engine.spec.diagnostics import Diagnostic, Span
from engine.spec.pipeline import Pipeline
from engine.spec.saved_query import SavedQuery
from engine.spec.target import Target
from engine.spec.yaml_tree import Tree

SPECS = "specs"
Spec: TypeAlias = Target | Pipeline | SavedQuery
KINDS: Mapping[str, type[Spec]] = MappingProxyType({"targets": Target, "pipelines": Pipeline, "queries": SavedQuery})
"""Folder below ``specs/`` -> what its files hold."""
_SUFFIXES = (".yaml", ".yml")
NAME_KEYS: Mapping[str, str] = MappingProxyType({"targets": "target", "pipelines": "pipeline", "queries": "query"})
"""Folder below ``specs/`` -> the key that holds a spec's name."""
# What only one kind of spec has, so that a file of another kind is recognised.
_TELLING: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "targets": frozenset({"mongodb", "lake", "transport", "state"}),
        "pipelines": frozenset({"source", "table"}),
        "queries": frozenset({"sql"}),
    }
)


def spec_paths(
    root: Path, instead: Mapping[Path, bytes | None] = MappingProxyType({})
) -> Iterator[tuple[Path, str | None]]:
    """Every YAML file below ``specs/`` with the folder that says what it holds; None where none does.

    Hidden files (an editor's) are left out, and so is what ``instead`` says is absent; what it has a text for is there.
    """
    specs = root / SPECS
    present = {path for path in specs.glob("**/*") if path not in instead and path.is_file()}
    for path in sorted(present | {path for path, text in instead.items() if text is not None}):
        parts = path.relative_to(specs).parts
        if path.suffix not in _SUFFIXES or any(part.startswith(".") for part in parts):
            continue
        yield path, parts[0] if len(parts) > 1 and parts[0] in KINDS else None


def shown_path(path: Path) -> str:
    """A path as a person at this folder would write it."""
    absolute, here = Path(os.path.abspath(path)), Path.cwd()  # resolve() would follow links
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)


def misplaced(file: str) -> Diagnostic:
    """A file that is in none of the folders."""
    message = "nothing reads this file: specs are in specs/targets, specs/pipelines and specs/queries"
    return Diagnostic(Span(file, 1, 1), "misplaced-file", message, "move it there, or out of specs/")


def wrong_folder(tree: Tree, folder: str) -> Diagnostic | None:
    """The problem of a file that is plainly of another kind."""
    if not isinstance(tree.data, dict):
        return None
    keys = set(tree.data)
    other = next((name for name in KINDS if keys & _TELLING[name]), folder)
    if other == folder or keys & _TELLING[folder]:
        return None
    message = f"this is a {NAME_KEYS[other]}, in the folder of {folder}"
    return tree.diagnostic((), "misplaced-file", message, f"move it to specs/{other}")
