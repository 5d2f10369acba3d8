"""A run's name on the list of those who write tables, kept fresh while it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.errors import OplakeError, StateError
from engine.runtime.jobs import TableJob
from engine.runtime.supervisor import Watcher
from engine.spec.target import Target
from engine.state.database import open_database
from engine.state.runs import Runs
from engine.state.signs_of_life import HEARD_EVERY_S
from engine.telemetry.logs import logger


class Registered:
    """A watcher that also says, now and then, that this process lives."""

    def __init__(self, watcher: Watcher, runs: Sequence[Runs], clock: Callable[[], float] = time.monotonic) -> None:
        self._watcher = watcher
        self._runs = runs
        self._now = clock
        self._said = clock()

    def refresh(self) -> None:
        """Called a few times a second."""
        self._watcher.refresh()
        if self._now() - self._said >= HEARD_EVERY_S:
            self._said = self._now()
            for runs in self._runs:
                _say(runs.still_here)

    def failed(self, table: str, error: OplakeError) -> None:
        """A table has stopped; the others go on."""
        self._watcher.failed(table, error)


@contextmanager
def registered(root: Path, jobs: Sequence[TableJob], watcher: Watcher) -> Iterator[Watcher]:
    """Enter the tables of these jobs in the state of their targets, and strike them out at the end.

    A state that cannot be written does not stop a run: the lake itself keeps rows out of a table that was replaced.
    Where no apply has made a state there is nobody to tell.
    """
    with ExitStack() as opened:
        entered = []
        for target, tables in _by_target(jobs):
            try:
                database = open_database(target.state_url(root), create=False)
                opened.callback(database.close)
                runs = Runs(database, target.target)
                runs.enter(tables)
            except StateError as error:
                _unheard(error)
                continue
            opened.callback(_say, runs.leave)
            entered.append(runs)
        yield Registered(watcher, entered)


def _by_target(jobs: Sequence[TableJob]) -> list[tuple[Target, list[str]]]:
    targets: Mapping[str, Target] = {job.target.target: job.target for job in jobs}
    return [(target, [job.table for job in jobs if job.target.target == name]) for name, target in targets.items()]


def _say(what: Callable[[], None]) -> None:
    try:
        what()
    except StateError as error:
        _unheard(error)


def _unheard(error: StateError) -> None:
    logger().warning(
        "run not registered: an apply could replace its tables", what=error.what, where=error.where, help=error.remedy
    )
