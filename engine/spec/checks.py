"""Checks across the keys of a spec and across files: what no single key can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.secrets.references import problem_of, references
from engine.spec.diagnostics import Diagnostic, did_you_mean
from engine.spec.pipeline import GLOB_CHARACTERS, Pipeline
from engine.spec.target import Target
from engine.spec.yaml_tree import Path, Tree, scalars

_DATABASE = re.compile(r"[^/\\. \"$*<>:|?\0]{1,63}")
_GLOB = re.compile(r"[^\0$ ]+")


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file that holds a valid target or pipeline of its own."""

    tree: Tree
    model: Target | Pipeline


def check_references(tree: Tree) -> Iterator[Diagnostic]:
    """Malformed references anywhere in a file."""
    for path, value in scalars(tree.data):
        for reference in references(value):
            problem = problem_of(reference)
            if problem:
                yield tree.diagnostic(path, "undefined-reference", problem)


def check_target(tree: Tree, target: Target) -> Iterator[Diagnostic]:
    """Contradictions inside one target."""
    chosen = [name for name in ("change_stream", "kafka") if getattr(target.transport, name) is not None]
    if "transport" in tree.data and len(chosen) != 1:
        message = "a transport is either change_stream or kafka" + (", not both" if chosen else "")
        yield tree.diagnostic(("transport",), "one-transport", message, at_key=True)
    if target.lake.storage is not None and "://" not in target.lake.uri:
        message = "`storage` is only for s3://; the lake is a local folder"
        yield tree.diagnostic(("lake", "storage"), "useless-key", message, at_key=True)
    if "://" in target.lake.uri and not target.lake.uri.startswith("s3://"):
        yield tree.diagnostic(("lake", "uri"), "invalid-value", "`uri`: a folder or s3://bucket/prefix")


def check_pipeline(tree: Tree, pipeline: Pipeline) -> Iterator[Diagnostic]:
    """Contradictions inside one pipeline."""
    for index, name in enumerate(pipeline.source.collections):
        problem = _glob_problem(name)
        if problem:
            yield tree.diagnostic(("source", "collections", index), "bad-glob", problem)
    yield from _check_table_name(tree, pipeline)
    yield from _check_fields(tree, pipeline)


def check_names(files: Sequence[ReadFile], kind: type[Target | Pipeline], key: str) -> Iterator[Diagnostic]:
    """Names given twice."""
    first: dict[str, ReadFile] = {}
    for read in files:
        if not isinstance(read.model, kind):
            continue
        name = getattr(read.model, key)
        if name in first:
            where = first[name].tree
            message = f"the {key} `{name}` is already in {where.file}:{where.values[key,].line}"
            yield read.tree.diagnostic((key,), f"duplicate-{key}", message)
        else:
            first[name] = read


def check_targets_exist(files: Sequence[ReadFile], targets: Sequence[str]) -> Iterator[Diagnostic]:
    """Pipelines that name a target no file holds."""
    for read in files:
        target = read.model.target if isinstance(read.model, Pipeline) else None
        if target is not None and target not in targets:
            message = f"there is no target `{target}`"
            yield read.tree.diagnostic(("target",), "unknown-target", message, did_you_mean(target, targets))


def check_tables(files: Sequence[ReadFile]) -> Iterator[Diagnostic]:
    """Pipelines whose tables would be the same table (as far as literal names tell)."""
    first: dict[str, str] = {}
    for read in files:
        if not isinstance(read.model, Pipeline):
            continue
        for index, namespace in enumerate(read.model.source.collections):
            if any(mark in namespace for mark in GLOB_CHARACTERS) or _glob_problem(namespace):
                continue
            table = read.model.table_name(namespace)
            if table in first:
                message = f"its table `{table}` is already the table of {first[table]}"
                yield read.tree.diagnostic(
                    ("source", "collections", index),
                    "duplicate-table",
                    message,
                    "set `table.name`, for example `{pipeline}_{database}_{collection}`",
                )
            first.setdefault(table, f"`{namespace}` in {read.tree.file}")


def _glob_problem(name: str) -> str | None:
    database, dot, collection = name.partition(".")
    if not dot or not database or not collection:
        return f"`{name}` is not of the form database.collection"
    literal = database.replace("*", "x").replace("?", "x")
    if not _DATABASE.fullmatch(literal):
        return f"`{database}` cannot be the name of a database"
    if not _GLOB.fullmatch(collection):
        return f"`{collection}` cannot be the name of a collection"
    if any(mark in name for mark in "[]{}"):
        return f"`{name}`: only * and ? are wildcards"
    return None


def _check_table_name(tree: Tree, pipeline: Pipeline) -> Iterator[Diagnostic]:
    template = pipeline.table.name
    if template is None:
        return
    for placeholder in re.findall(r"\{([^}]*)\}?", template):
        known = ("pipeline", "database", "collection")
        if placeholder not in known or template.count("{") != template.count("}"):
            message = f"`name` holds the unknown placeholder {{{placeholder}}}"
            yield tree.diagnostic(("table", "name"), "bad-table-name", message, did_you_mean(placeholder, known))
            return


def _check_fields(tree: Tree, pipeline: Pipeline) -> Iterator[Diagnostic]:
    table = pipeline.table
    hidden = {name for name, rule in table.fields.items() if rule.mask in ("redact", "drop")}
    for key, names in (("partition_by", table.partition_by), ("z_order", table.maintenance.z_order)):
        path: Path = ("table", key) if key == "partition_by" else ("table", "maintenance", key)
        for index, name in enumerate(names):
            if name in hidden:
                yield tree.diagnostic((*path, index), "hidden-column", f"`{name}` is masked: it tells nothing")
            elif key == "partition_by" and name != "_ingestion_date" and name not in table.fields:
                message = f"`{name}` has to be declared under `fields` with a type to partition by it"
                yield tree.diagnostic((*path, index), "undeclared-partition", message)
    for name, rule in table.fields.items():
        at = ("table", "fields", name)
        if name == "_id":
            message = "`_id` identifies the document: it can be neither pinned nor masked"
            yield tree.diagnostic(at, "reserved-field", message, at_key=True)
        elif rule.mask is not None and (rule.as_map or rule.type is not None):
            message = f"`{name}` is masked ({rule.mask}): its type cannot be chosen as well"
            yield tree.diagnostic(at, "contradictory-rule", message, at_key=True)
