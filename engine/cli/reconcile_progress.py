"""The progress of a reconciliation: a bar, a rate and the time left of each table, where somebody watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ReconcileProgress:
    """A context manager that says nothing where no terminal shows it."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(show_speed=True),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=Console(file=stream),
            disable=not stream.isatty(),
            transient=True,
        )

    def __enter__(self) -> ReconcileProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to somebody else."""
        self._progress.stop()
        yield
        self._progress.start()

    def begin(self, table: str) -> TableProgress:
        """The next table."""
        for task in self._progress.task_ids:
            self._progress.remove_task(task)
        return TableProgress(self._progress, self._progress.add_task(table, total=None))


class TableProgress:
    """Hears what is read of both sides of one table."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def expect(self, documents: int, rows: int) -> None:
        """About how much there is to read."""
        self._progress.update(self._task, total=documents + rows)

    def read(self, documents: int = 0, rows: int = 0) -> None:
        """So much more was read."""
        self._progress.advance(self._task, documents + rows)
