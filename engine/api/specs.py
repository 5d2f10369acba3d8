"""Pipelines as texts: read, judged, and, where the specs are the service's own, written."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from engine.api.answers import tag_of
from engine.api.problems import Changed, Malformed, NotThere, SpecsInGit
from engine.api.service import Service
from engine.planner.scope import Scope, one_scope
from engine.spec.diagnostics import SpecError, did_you_mean
from engine.spec.project import Project
from engine.spec.target import MAX_NAME, NAME_PATTERN


def text_of(project: Project, name: str) -> str:
    """The spec of a pipeline, its secrets hidden.

    Raises:
        NotThere: there is no such pipeline.
    """
    tree = project.trees.get(f"pipeline {name}")
    if tree is None:
        raise no_pipeline(project, name)
    return "\n".join(tree.lines) + "\n"


def no_pipeline(project: Project, name: str) -> NotThere:
    """The error for a name that no pipeline has."""
    return NotThere(
        f"there is no pipeline {name[:MAX_NAME]!r}", where="path", remedy=did_you_mean(name, list(project.pipelines))
    )


def scope_with(service: Service, name: str, text: str) -> Scope:
    """The scope as it would be with this spec.

    Raises:
        SpecError: carries every problem.
        Malformed: the name is none, or another than the spec's own.
    """
    project = _with(service, name, text)
    return one_scope(project, service.settings.target_name)


def diagnostics(service: Service, name: str, text: str) -> list[dict[str, Any]]:
    """Every problem of the specs with this one among them; references are not looked up."""
    try:
        _with(service, name, text)
    except SpecError as error:
        return [found.to_json() for found in error.diagnostics]
    return []


def write(service: Service, name: str, text: str, if_match: str | None) -> bool:
    """Put the spec in its file, once all specs with it are right; True when the pipeline is new.

    Raises:
        SpecsInGit: the specs are not the service's to write.
        Changed: the spec is not the one that ``if_match`` tells of.
        SpecError, Malformed: the text is wrong.
    """
    _require_own(service)
    path = service.spec_path(name)
    is_new = not path.exists()
    _require_match(service, name, if_match, is_new=is_new)
    _with(service, name, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, text)
    service.forget()
    return is_new


def remove(service: Service, name: str, if_match: str | None) -> None:
    """Take the spec away; the plan then shows what an apply would delete. Raises as ``write`` does.

    Raises:
        NotThere: there is no such pipeline.
    """
    _require_own(service)
    project = service.project()
    if name not in project.pipelines:
        raise no_pipeline(project, name)
    _require_match(service, name, if_match, is_new=False)
    path = service.spec_path(name)
    service.project_with({path: None})
    path.unlink()
    service.forget()


def spec_tag(service: Service, name: str) -> str:
    """The ETag of a spec as it stands in its file."""
    return tag_of(service.spec_path(name).read_bytes())


def _with(service: Service, name: str, text: str) -> Project:
    if not re.fullmatch(NAME_PATTERN, name) or len(name) > MAX_NAME:
        raise Malformed("a pipeline's name is a lower case letter, then letters, digits and _", where="path: name")
    project = service.project_with({service.spec_path(name): text.encode()})
    if name not in project.pipelines:
        raise Malformed(f"the spec is not of a pipeline {name!r}", where="pipeline", remedy="give both the same name")
    return project


def _require_own(service: Service) -> None:
    if service.settings.specs != "api":
        raise SpecsInGit(
            "the specs are owned by git, so the service changes none",
            where="specs",
            remedy="commit the change, or start the service with --specs api where nothing else writes them",
        )


def _require_match(service: Service, name: str, if_match: str | None, *, is_new: bool) -> None:
    if if_match is None or if_match == "*":
        return
    if is_new or spec_tag(service, name) != if_match:
        raise Changed("the spec is another one by now", where="If-Match", remedy="read it again, then write")


def _replace(path: Path, text: str) -> None:
    """All of the new text or all of the old, whenever the machine stops."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False, encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    Path(stream.name).replace(path)
