"""A project: all targets and pipelines of a folder's ``specs/``, checked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from engine.errors import UsageError
from engine.spec.checks import (
    ReadFile,
    check_names,
    check_pipeline,
    check_references,
    check_tables,
    check_target,
    check_targets_exist,
)
from engine.spec.diagnostics import Diagnostic, Span, SpecError, did_you_mean
from engine.spec.model_problems import read_model
from engine.spec.pipeline import Pipeline
from engine.spec.target import Target
from engine.spec.yaml_tree import MAX_BYTES, Refused, Tree, parse

SPECS = "specs"
DEFAULT_TARGET = "local"
_KINDS: Mapping[str, type[Target | Pipeline]] = MappingProxyType({"targets": Target, "pipelines": Pipeline})


@dataclass(frozen=True, slots=True)
class Project:
    """Validated specs."""

    root: Path
    targets: Mapping[str, Target]
    pipelines: Mapping[str, Pipeline]
    trees: Mapping[str, Tree] = field(default_factory=dict, repr=False)
    """Target name -> its file, for diagnostics that come later."""

    def target_for(self, pipeline: Pipeline, override: str | None = None) -> Target:
        """Where a pipeline runs: ``--target``, else its own target, else the only one, else ``local``."""
        return self.target(override or pipeline.target)

    def target(self, name: str | None = None) -> Target:
        """The target of this name; of no name, the only one, else ``local``.

        Raises:
            UsageError: there is none.
        """
        known = list(self.targets)
        chosen = name or (known[0] if len(known) == 1 else DEFAULT_TARGET)
        if chosen not in self.targets:
            hint = did_you_mean(chosen, known)
            raise UsageError(f"there is no target {chosen!r}", where=str(self.root / SPECS), remedy=hint)
        return self.targets[chosen]


def load_project(root: Path) -> Project:
    """Read and check everything under ``root/specs``.

    Raises:
        SpecError: carries all problems of all files.
        UsageError: there are no specs.
    """
    files: list[ReadFile] = []
    problems: list[Diagnostic] = []
    for path, model in _spec_files(root):
        read, found = _read_file(root, path, model)
        problems += found
        if read is not None:
            files.append(read)
    problems += _check_together(files, has_unread=bool(problems))
    if problems:
        raise SpecError(problems)
    targets = {read.model.target: read.model for read in files if isinstance(read.model, Target)}
    pipelines = {read.model.pipeline: read.model for read in files if isinstance(read.model, Pipeline)}
    trees = {read.model.target: read.tree for read in files if isinstance(read.model, Target)}
    return Project(root.resolve(), MappingProxyType(targets), MappingProxyType(pipelines), MappingProxyType(trees))


def _spec_files(root: Path) -> Iterator[tuple[Path, type[Target | Pipeline]]]:
    found = False
    for folder, model in _KINDS.items():
        for path in sorted((root / SPECS / folder).glob("**/*.y*ml")):
            if path.suffix in (".yaml", ".yml") and path.is_file():
                found = True
                yield path, model
    if not found:
        raise UsageError(
            "no specs found",
            where=str(root / SPECS),
            remedy="`oplake init` writes starter specs; `--project DIR` names the folder that holds specs/",
        )


def _read_file(root: Path, path: Path, model: type[Target | Pipeline]) -> tuple[ReadFile | None, list[Diagnostic]]:
    name = str(path.relative_to(root))
    try:
        with path.open("rb") as stream:
            tree = parse(name, stream.read(MAX_BYTES + 1))
    except OSError as error:
        return None, [Diagnostic(Span(name, 1, 1), "unreadable-file", f"cannot be read: {error.strerror}")]
    except Refused as refused:
        return None, list(refused.diagnostics)
    problems = [*tree.problems, *check_references(tree)]
    spec, found = read_model(tree, model)
    problems += found
    if isinstance(spec, Target):
        problems += check_target(tree, spec)
    elif isinstance(spec, Pipeline):
        problems += check_pipeline(tree, spec)
    return (None if spec is None else ReadFile(tree, spec)), problems


def _check_together(files: list[ReadFile], *, has_unread: bool) -> Iterator[Diagnostic]:
    yield from check_names(files, Target, "target")
    yield from check_names(files, Pipeline, "pipeline")
    yield from check_tables(files)
    targets = [read.model.target for read in files if isinstance(read.model, Target)]
    if targets or not has_unread:
        yield from check_targets_exist(files, targets)
