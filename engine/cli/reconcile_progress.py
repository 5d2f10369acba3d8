"""The progress line of a reconciliation: a bar, a rate and the time left, where somebody watches."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import TaskID


class ReconcileProgress:
    """Hears what is read of both sides; says nothing where no terminal shows it. A context manager."""

    def __init__(self, table: str, stream: TextIO) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=Console(file=stream),
            disable=not stream.isatty(),
            transient=True,
        )
        self._task: TaskID = self._progress.add_task(escape(table), total=None, rate="")

    def __enter__(self) -> ReconcileProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def expect(self, documents: int, rows: int) -> None:
        """About how much there is to read."""
        self._progress.update(self._task, total=documents + rows)

    def read(self, documents: int = 0, rows: int = 0) -> None:
        """So much more was read."""
        self._progress.advance(self._task, documents + rows)
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, rate=f"{speed:,.0f}/s" if speed else "")
