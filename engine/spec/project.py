"""A project: all targets, pipelines and saved queries of a folder's ``specs/``, checked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from engine.errors import UsageError
from engine.spec.diagnostics import Diagnostic, Refused, Span, SpecError, did_you_mean
from engine.spec.model_problems import read_model
from engine.spec.pipeline import Pipeline
from engine.spec.pipeline_checks import check_pipeline
from engine.spec.project_checks import (
    ReadFile,
    check_connectors,
    check_names,
    check_some_target,
    check_tables,
    check_targets_exist,
)
from engine.spec.reference_checks import check_references
from engine.spec.saved_query import SavedQuery
from engine.spec.secret_keys import lines_of, lines_of_broken
from engine.spec.spec_files import KINDS, NAME_KEYS, SPECS, Spec, misplaced, shown_path, spec_paths, wrong_folder
from engine.spec.target import Target
from engine.spec.target_checks import check_target
from engine.spec.yaml_text import MAX_BYTES, read_text, split_lines
from engine.spec.yaml_tree import Tree, parse

DEFAULT_TARGET = "local"


@dataclass(frozen=True, slots=True)
class Project:
    """Validated specs."""

    root: Path
    """Absolute."""
    targets: Mapping[str, Target]
    pipelines: Mapping[str, Pipeline]
    queries: Mapping[str, SavedQuery] = field(default_factory=dict)
    trees: Mapping[str, Tree] = field(default_factory=dict, repr=False)
    """``target NAME``, ``pipeline NAME``, ``query NAME`` -> its file, for diagnostics that come later."""

    def target_for(self, pipeline: Pipeline, override: str | None = None) -> Target:
        """Where a pipeline runs: ``--target``, else its own target, else the only one, else ``local``.

        Raises:
            UsageError: there is none of that name.
        """
        return self.target(override or pipeline.target)

    def target(self, name: str | None = None) -> Target:
        """The target of this name; of no name, the only one, else ``local``.

        Raises:
            UsageError: there is none.
        """
        found = self.default_target() if name is None else self.targets.get(name)
        if found is None:
            known = list(self.targets)
            what = f"there is no target {name!r}" if name else "several targets, and none is named `local`"
            hint = did_you_mean(name, known) if name else f"choose one with --target: {', '.join(known)}"
            raise UsageError(what, where=str(self.root / SPECS / "targets"), remedy=hint)
        return found

    def default_target(self) -> Target | None:
        """The target that is meant when none is named; None when that is not plain."""
        if len(self.targets) == 1:
            return next(iter(self.targets.values()))
        return self.targets.get(DEFAULT_TARGET)


def load_project(root: Path, instead: Mapping[Path, bytes | None] = MappingProxyType({})) -> Project:
    """Read and check everything under ``root/specs``.

    Args:
        instead: texts to read in place of files' own, or beside them; None for files to be taken for absent. What
            is below ``specs`` is not touched.

    Raises:
        SpecError: carries all problems of all files.
        UsageError: there are no specs.
    """
    files: list[ReadFile] = []
    problems: list[Diagnostic] = []
    paths = list(spec_paths(root, instead))
    if not paths:
        raise UsageError(
            "no specs found",
            where=str((root / SPECS).resolve()),
            remedy="`oplake init` writes starter specs; `--project DIR` names the folder that holds specs/",
        )
    for path, folder in paths:
        read, found = _read_file(root, path, folder, instead.get(path))
        problems += found
        files += [] if read is None else [read]
    problems += _check_together(root, files, is_complete=len(files) == len(paths))
    if problems:
        raise SpecError(problems)
    return _project(root, files)


def _project(root: Path, files: Sequence[ReadFile]) -> Project:
    targets = {read.model.target: read.model for read in files if isinstance(read.model, Target)}
    pipelines = {read.model.pipeline: read.model for read in files if isinstance(read.model, Pipeline)}
    queries = {read.model.query: read.model for read in files if isinstance(read.model, SavedQuery)}
    trees = {_name(read.model): read.tree for read in files if read.model is not None}
    return Project(
        root.resolve(),
        MappingProxyType(targets),
        MappingProxyType(pipelines),
        MappingProxyType(queries),
        MappingProxyType(trees),
    )


def _name(model: Spec) -> str:
    key = next(NAME_KEYS[folder] for folder, kind in KINDS.items() if isinstance(model, kind))
    return f"{key} {getattr(model, key)}"


def _read_file(
    root: Path, path: Path, folder: str | None, given: bytes | None
) -> tuple[ReadFile | None, list[Diagnostic]]:
    name = shown_path(path)
    if folder is None:
        return None, [misplaced(name)]
    try:
        content = _content(path) if given is None else given
        tree, problems = _read_tree(root, content, name, KINDS[folder])
    except OSError as error:
        return None, [Diagnostic(Span(name, 1, 1), "unreadable-file", f"the file cannot be read: {error.strerror}")]
    except Refused as refused:
        return None, list(refused.diagnostics)
    elsewhere = wrong_folder(tree, folder)
    if elsewhere is not None:
        return None, [*problems, elsewhere]
    spec, found = read_model(tree, KINDS[folder])
    problems += [*tree.problems, *found, *check_references(tree, KINDS[folder])]
    if folder == "targets":
        problems += check_target(tree, spec if isinstance(spec, Target) else None)
    elif isinstance(spec, Pipeline):
        problems += check_pipeline(tree, spec)
    return ReadFile(tree, KINDS[folder], spec), problems


def _content(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _read_tree(root: Path, content: bytes, name: str, kind: type[Spec]) -> tuple[Tree, list[Diagnostic]]:
    """A file's data, with its secrets hidden in whatever may be shown.

    Raises:
        Refused: its text is no spec.
    """
    try:
        text, problems = read_text(name, content)
        tree = parse(name, text, root.resolve())
    except Refused as refused:
        lines = split_lines(content[:MAX_BYTES].decode("utf-8", "replace").removeprefix("\ufeff"))
        shown = lines_of_broken(lines, kind)
        raise Refused(*(found.shown_with(shown) for found in refused.diagnostics)) from None
    tree = tree.with_lines(lines_of(tree, kind))
    return tree, [found.shown_with(tree.lines) for found in problems]


def _check_together(root: Path, files: Sequence[ReadFile], *, is_complete: bool) -> Iterator[Diagnostic]:
    """Checks across files; what is missing is told only when every file could be read."""
    for folder, kind in KINDS.items():
        yield from check_names(files, kind, NAME_KEYS[folder])
    yield from check_tables(files)
    yield from check_connectors(files)
    if is_complete:
        yield from check_some_target(files, shown_path(root / SPECS / "targets"))
        yield from check_targets_exist(files)
