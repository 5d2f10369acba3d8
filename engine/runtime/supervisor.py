"""Runs every table in a thread of its own and waits for all of them."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from engine.errors import InternalError, OplakeError
from engine.runtime.stopping import EXIT_INCOMPLETE, StopRequest, leave
from engine.runtime.worker import Worker

WATCH_S = 0.2


class Watcher(Protocol):
    """Shows how far the tables are."""

    def refresh(self) -> None:
        """Called a few times a second."""

    def failed(self, table: str, error: OplakeError) -> None:
        """A table has stopped; the others go on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one table's work ended."""

    table: str
    error: OplakeError | None = None


def supervise(workers: Sequence[Worker], stop: StopRequest, watcher: Watcher) -> list[Outcome]:
    """Run the workers until each has ended. A table that fails does not stop the others.

    When a stop was requested and its grace is over, the process ends here and now: every commit is whole or
    not there at all, and the next run goes on from the last one.
    """
    pool = ThreadPoolExecutor(len(workers), thread_name_prefix="table")
    futures = {pool.submit(worker.run): worker for worker in workers}
    pending = set(futures)
    while pending:
        done, pending = wait(pending, timeout=WATCH_S, return_when=FIRST_COMPLETED)
        for future in done:
            _tell(futures[future], future, watcher)
        watcher.refresh()
        if pending and stop.is_overdue:
            leave(EXIT_INCOMPLETE)
    pool.shutdown()
    return [Outcome(worker.job.table, _error_of(future)) for future, worker in futures.items()]


def _tell(worker: Worker, future: Future[str], watcher: Watcher) -> None:
    error = _error_of(future)
    if error is None:
        worker.report.ended(future.result())
    else:
        worker.report.failed(error)
        watcher.failed(worker.job.table, error)


def _error_of(future: Future[str]) -> OplakeError | None:
    """What ended a worker. What is not ours is a bug: it is named by its type and place.

    Its message stays out, because libraries quote the values they stumble over.
    """
    error = future.exception()
    if error is None or isinstance(error, OplakeError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames[-5:]))
    return InternalError(
        f"an unexpected {type(error).__name__}",
        where=place,
        remedy="this is a bug in oplake: please report it with this line. Nothing is lost; `oplake run` resumes",
    )
