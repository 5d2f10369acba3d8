"""Reconciliations that the state databases keep."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from engine.errors import UsageError
from engine.runtime.jobs import choose_pipelines
from engine.spec.project import load_project
from engine.state.database import open_database
from engine.state.reconciliations import Reconciliation, Reconciliations


def kept(folder: Path, pipelines: Sequence[str], target: str | None, most: int = 100) -> list[Reconciliation]:
    """The newest of the targets that these pipelines run on, the newest first.

    Raises:
        UsageError: there is no such pipeline or target.
        StateError: a state database cannot be read.
    """
    found: list[Reconciliation] = []
    for name, url in _states(folder, pipelines, target):
        with closing(open_database(url)) as database:
            found += Reconciliations(database, name).all(most)
    return sorted(found, key=lambda one: one.started_at, reverse=True)[:most]


def one_kept(folder: Path, pipelines: Sequence[str], target: str | None, run: str) -> Reconciliation:
    """One by its id.

    Raises:
        UsageError: there is none of that id with a result.
        StateError: a state database cannot be read.
    """
    for name, url in _states(folder, pipelines, target):
        with closing(open_database(url)) as database:
            found = Reconciliations(database, name).get(run)
        if found is not None and found.result is not None:
            return found
    raise UsageError(
        f"no finished reconciliation has the id {run!r}",
        where="--show",
        remedy="`oplake reconcile --list` shows those that are kept",
    )


def _states(folder: Path, pipelines: Sequence[str], target: str | None) -> list[tuple[str, str]]:
    """Name of a target and URL of its state, each once."""
    project = load_project(folder)
    targets = [project.target_for(pipeline, target) for pipeline in choose_pipelines(project, pipelines)]
    return list(dict.fromkeys((one.target, one.state_url(project.root)) for one in targets))
