"""One pipeline as git asks for it, with all it takes to say what its resources should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.spec.pipeline import Pipeline
from engine.spec.target import Target
from engine.spec.yaml_tree import Path as KeyPath
from engine.spec.yaml_tree import Tree


@dataclass(frozen=True, slots=True)
class Asked:
    """A pipeline on its target, once the source has said which collections there are."""

    target: Target
    pipeline: Pipeline
    namespaces: tuple[str, ...]
    root: Path
    """The project."""
    trees: Mapping[str, Tree] = field(default_factory=dict)
    """``target`` and ``pipeline`` -> the file; for messages that point into it."""

    def place(self, of: str, path: KeyPath) -> str | None:
        """``file:line:column`` of a key of the target or the pipeline; None where the file does not have it."""
        tree = self.trees.get(of)
        span = None if tree is None else tree.values.get(path)
        return None if span is None else str(span)
