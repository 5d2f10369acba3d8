"""Checks across files: names given twice, targets that are not there, tables that would be one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.spec.diagnostics import Diagnostic, Span, near_miss
from engine.spec.pipeline import GLOB_CHARACTERS, Pipeline
from engine.spec.pipeline_checks import glob_problem
from engine.spec.spec_files import Spec
from engine.spec.target import Target
from engine.spec.yaml_tree import Tree


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file that holds a spec, or what remains of one without its wrong parts."""

    tree: Tree
    kind: type[Spec]
    model: Spec | None

    def text(self, key: str) -> str | None:
        """The text under a key of the top level, as it is written."""
        value = self.tree.data.get(key) if isinstance(self.tree.data, dict) else None
        return value if isinstance(value, str) else None


def check_names(files: Sequence[ReadFile], kind: type[Spec], key: str) -> Iterator[Diagnostic]:
    """Names given twice."""
    first: dict[str, Tree] = {}
    for read in files:
        name = read.text(key) if read.kind is kind else None
        if name is None:
            continue
        if name in first:
            there = first[name].values[key,]
            message = f"the {key} `{name}` is already in {there.file}, line {there.line}"
            yield read.tree.diagnostic((key,), f"duplicate-{key}", message, "give it another name")
        first.setdefault(name, read.tree)


def check_targets_exist(files: Sequence[ReadFile]) -> Iterator[Diagnostic]:
    """Pipelines that name a target no file holds."""
    targets = [name for read in files if read.kind is Target and (name := read.text("target"))]
    for read in files:
        name = read.text("target") if read.kind is Pipeline else None
        if name is None or name in targets:
            continue
        meant = near_miss(name, targets)
        known = f"did you mean `{meant}`?" if meant else f"targets are {', '.join(sorted(targets))}"
        message = f"there is no target `{name}`"
        yield read.tree.diagnostic(("target",), "unknown-target", message, known if targets else "")


def check_some_target(files: Sequence[ReadFile], folder: str) -> Iterator[Diagnostic]:
    """A project with pipelines and nowhere to run them."""
    if all(read.kind is not Target for read in files):
        message = "there is no target: pipelines have nowhere to run"
        suggestion = "write one, `local.yaml` for example; `oplake init` in an empty folder shows how"
        yield Diagnostic(Span(folder, 1, 1), "no-target", message, suggestion)


def check_tables(files: Sequence[ReadFile]) -> Iterator[Diagnostic]:
    """Pipelines whose tables would be the same table, as far as names without wildcards tell."""
    first: dict[str, str] = {}
    for read in files:
        if not isinstance(read.model, Pipeline):
            continue
        for index, namespace in enumerate(read.model.source.collections):
            table = _table_of(read.model, namespace)
            if table is None:
                continue
            if table in first:
                message = f"the table `{table}` is already the one of {first[table]}"
                suggestion = "set `table.name`, for example `{pipeline}_{database}_{collection}`"
                yield read.tree.diagnostic(("source", "collections", index), "duplicate-table", message, suggestion)
            first.setdefault(table, f"`{namespace}` in {read.tree.file}")


def check_connectors(files: Sequence[ReadFile]) -> Iterator[Diagnostic]:
    """Settings of a connector where no target has one."""
    targets = [read.model for read in files if isinstance(read.model, Target)]
    if not targets or any(target.transport.kafka is not None for target in targets):
        return
    for read in files:
        if isinstance(read.model, Pipeline) and read.model.source.connector is not None:
            message = "`connector` is for targets with `transport: kafka`, and there is none"
            yield read.tree.diagnostic(("source", "connector"), "useless-key", message, "delete it", at_key=True)


def _table_of(pipeline: Pipeline, namespace: str) -> str | None:
    """The table of one collection; None for a glob, and where something else is reported already."""
    if any(mark in namespace for mark in GLOB_CHARACTERS) or glob_problem(namespace):
        return None
    try:
        return pipeline.table_name(namespace)
    except (KeyError, IndexError, ValueError):  # `table.name` is no template
        return None
