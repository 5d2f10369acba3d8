"""Contradictions inside one pipeline: collections and the name of the table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.spec.diagnostics import Diagnostic, did_you_mean
from engine.spec.field_checks import check_fields
from engine.spec.pipeline import Pipeline
from engine.spec.yaml_tree import Tree

PLACEHOLDERS = ("pipeline", "database", "collection")
VIEW_SUFFIXES = ("__current", "__changes", "__history")
"""Queries see the parts of a table ``t`` as ``t__current`` and so on."""

_DATABASE = re.compile(r"[^/\\. \"$*<>:|?\0]{1,63}")
_GLOB = re.compile(r"[^\0$ ]+")


def check_pipeline(tree: Tree, pipeline: Pipeline) -> Iterator[Diagnostic]:
    """What no single key of a pipeline can tell."""
    for index, name in enumerate(pipeline.source.collections):
        problem = glob_problem(name)
        if problem:
            yield tree.diagnostic(("source", "collections", index), "bad-glob", *problem)
    if pipeline.table.name is not None:
        yield from _check_table_name(tree, pipeline.table.name)
    yield from check_fields(tree, pipeline.table)


def glob_problem(name: str) -> tuple[str, str] | None:
    """What is wrong with ``database.collection`` and how to put it right."""
    if "${" in name:
        return None  # reported as a misplaced reference
    database, dot, collection = name.partition(".")
    if not dot or not database or not collection:
        example = f"put its database before it, as in `shop.{name.strip('.') or 'users'}`"
        return f"`{name}` is not of the form database.collection", example
    marks = [mark for mark in "[]{}" if mark in name]
    if marks:
        return f"`{name}` holds `{marks[0]}`, which is no wildcard", "only * and ? are; list several patterns instead"
    if not _DATABASE.fullmatch(database.replace("*", "x").replace("?", "x")):
        return f"`{database}` cannot be the name of a database", 'MongoDB allows no space and none of / \\ . " $ there'
    if not _GLOB.fullmatch(collection):
        return f"`{collection}` cannot be the name of a collection", "no space and no $ can stand there"
    return None


def _check_table_name(tree: Tree, template: str) -> Iterator[Diagnostic]:
    at = ("table", "name")
    rest = template
    for placeholder in dict.fromkeys(re.findall(r"\{([^{}]*)\}", template)):
        rest = rest.replace(f"{{{placeholder}}}", "")
        if placeholder not in PLACEHOLDERS:
            message = f"`name` holds the unknown placeholder `{{{placeholder}}}`"
            yield tree.diagnostic(at, "bad-table-name", message, did_you_mean(placeholder, PLACEHOLDERS))
    if "{" in rest or "}" in rest:
        message = "`name` holds a brace that is not part of a placeholder"
        yield tree.diagnostic(at, "bad-table-name", message, "placeholders are {pipeline}, {database}, {collection}")
    for suffix in VIEW_SUFFIXES:
        if template.endswith(suffix):
            message = f"`name` ends in `{suffix}`, as the views of another table do"
            yield tree.diagnostic(at, "bad-table-name", message, f"write `{template.removesuffix(suffix)}`")
