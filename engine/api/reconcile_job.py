"""A reconciliation as a job: the command line's, told to whoever follows it and kept without what documents hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.reconcile.reconciliation import without_values
from engine.reconcile.reconciling import reconcile_tables
from engine.reconcile.report import Report, report_of
from engine.reconcile.result import Mode
from engine.reconcile.settings import Settings
from engine.runtime.jobs import TableJob

KEPT_FINDINGS = 100
"""Findings of a table that a job keeps; all are counted."""
_STEPS = 10
"""How often a table tells how far it is."""


class _Told:
    """Hears how far one table is, and passes on every tenth of it."""

    def __init__(self, table: str, say: Callable[[str], None], look: Callable[[], None]) -> None:
        self._table, self._say, self._look = table, say, look
        self._total = self._done = self._told = 0
        say(f"{table}: begins")

    def expect(self, documents: int, rows: int) -> None:
        self._total = documents + rows

    def read(self, documents: int = 0, rows: int = 0) -> None:
        self._look()
        self._done += documents + rows
        step = min(_STEPS, self._done * _STEPS // self._total) if self._total else 0
        if step > self._told:
            self._told = step
            self._say(f"{self._table}: about {step * 100 // _STEPS} % read")


def reconcile_as_job(
    project: Path,
    target: str | None,
    pipelines: Sequence[str],
    mode: Mode,
    say: Callable[[str], None],
    look: Callable[[], None],
) -> dict[str, Any]:
    """Compare the tables one after the other. What a full pass has read goes with it when it is cut off.

    Args:
        say, look: tell how far it is, and ask whether to go on; both raise where it shall stop.

    Returns:
        ``exit_code`` as of the command, and ``tables``: what the state keeps of each.
    """
    settings = Settings(project, pipelines, target, mode, kept_findings=KEPT_FINDINGS, is_resumable=False)

    def begin(job: TableJob) -> _Told:
        return _Told(job.table, say, look)

    results = reconcile_tables(settings, begin, look=look)
    tables = [{**without_values(result), "chunks": []} for result in results]
    return {"exit_code": report_of(tables).exit_code, "tables": tables}


def report_of_job(result: Any) -> Report:  # noqa: ANN401 - JSON of the state database
    """The report of what such a job has found."""
    return report_of(result["tables"])
