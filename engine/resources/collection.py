"""What a plan looks at in the source: which collections there are, whether they can be followed, a sample."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

from engine.spec.pipeline import GLOB_CHARACTERS, Pipeline
from engine.spec.types import Struct


@dataclass(frozen=True, slots=True)
class Sample:
    """What some documents of a collection tell about all of them; varies by nature, decides nothing later."""

    sampled: int
    columns: Struct
    conflicts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Dotted path -> BSON type -> values that have it, where there is more than one type."""
    misfits: Mapping[str, int] = field(default_factory=dict)
    """Dotted path -> values that the column cannot hold."""


class SourceView(Protocol):
    """The source of one target, for reading."""

    def existing(self, patterns: Sequence[str]) -> Collection[str]:
        """The namespaces that exist and match one of the patterns.

        Raises:
            SourceError: the deployment cannot be reached.
        """

    def stream_problem(self) -> tuple[str, str] | None:
        """What keeps change streams from working and how to put it right; None when they work."""

    def documents(self, namespace: str) -> int | None:
        """About how many documents a collection holds; None when it is not there."""

    def sample(self, namespace: str, pipeline: Pipeline) -> Sample:
        """Infer columns from some documents, under the pipeline's rules for fields."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The collections of one pipeline."""

    namespaces: tuple[str, ...]
    """Every collection that has tables, in order; one that is missing in the source may be among them."""
    missing: tuple[str, ...] = ()
    """Those of them that the source does not have."""
    unmatched: tuple[str, ...] = ()
    """Globs that match nothing."""


def match(pipeline: Pipeline, existing: Collection[str], applied: Collection[str]) -> Matched:
    """The collections of a pipeline.

    A name without wildcards always counts: change streams can wait for a collection. A wildcard counts what
    exists, and what has tables already: a collection that was dropped keeps its tables.
    """
    found: set[str] = set()
    unmatched: list[str] = []
    for pattern in pipeline.source.collections:
        if not is_glob(pattern):
            found.add(pattern)
            continue
        hits = {name for name in (*existing, *applied) if fnmatchcase(name, pattern)}
        found |= hits
        if not hits:
            unmatched.append(pattern)
    names = tuple(sorted(found))
    return Matched(names, tuple(name for name in names if name not in existing), tuple(unmatched))


def is_glob(pattern: str) -> bool:
    """Whether a pattern has wildcards."""
    return any(mark in pattern for mark in GLOB_CHARACTERS)
