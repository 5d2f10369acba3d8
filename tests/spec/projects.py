"""Small projects on disk, and what validation says about them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.cli.paint import Painter
from engine.cli.spec_text import as_text
from engine.query.saved import check_saved
from engine.spec.diagnostics import Diagnostic, SpecError
from engine.spec.project import Project, load_project
from engine.spec.resolution import check_resolvable

TARGET = """\
target: local
mongodb: {uri: "mongodb://127.0.0.1:27017/?replicaSet=rs0"}
lake: {uri: .oplake/lake}
"""
PIPELINE = """\
pipeline: users
source: {collections: [shop.users]}
"""


def write(root: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Write files below ``root/specs``; the target ``local`` is there unless the files say otherwise.

    A file of None is left out.
    """
    for name, text in ({"targets/local.yaml": TARGET} | dict(files)).items():
        if text is None:
            continue
        path = root / "specs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def load(root: Path, files: Mapping[str, str | bytes | None]) -> Project:
    return load_project(write(root, files))


def problems(
    root: Path, files: Mapping[str, str | bytes | None], *, is_resolved: bool = False
) -> tuple[Diagnostic, ...]:
    """What is wrong with a project that has these files; paths are relative to it."""
    write(root, files)
    here = Path.cwd()
    os.chdir(root)
    try:
        with pytest.raises(SpecError) as caught:
            check(Path(), is_resolved=is_resolved)
    finally:
        os.chdir(here)
    return caught.value.diagnostics


def check(root: Path, *, is_resolved: bool) -> None:
    project = load_project(root)
    if is_resolved:
        check_resolvable(project, project.target())
    check_saved(project)


def headings(root: Path, files: Mapping[str, str | bytes | None]) -> list[str]:
    """The first line of each problem, without the folder of the file."""
    return [found.heading().removeprefix("specs/") for found in problems(root, files)]


def of_pipeline(root: Path, text: str) -> list[str]:
    """``line:column: error[rule] message`` of the problems in one pipeline file."""
    return [line.removeprefix("pipelines/p.yaml:") for line in headings(root, {"pipelines/p.yaml": text})]


def of_target(root: Path, text: str) -> list[str]:
    """``line:column: error[rule] message`` of the problems in one target file."""
    return [line.removeprefix("targets/local.yaml:") for line in headings(root, {"targets/local.yaml": text})]


def shown(found: tuple[Diagnostic, ...]) -> str:
    """The text of a terminal without colours, without the count at its end."""
    return as_text(found, Painter(enabled=False)).rpartition("\n\n")[0]
