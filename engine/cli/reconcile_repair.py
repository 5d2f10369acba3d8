"""``oplake reconcile --repair``: what would be done, the question, and what was done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.reconcile.job import Comparison
    from engine.reconcile.result import Result

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Mender:
    """Repairs one table after the other, when somebody agrees."""

    yes: bool
    """Do not ask."""
    dry_run: bool
    """Say what would be done, and do nothing."""
    paused: Callable[[], AbstractContextManager[None]]
    """Takes the progress line away while something is asked."""

    def __call__(self, comparison: Comparison, result: Result) -> None:
        """Repair what was found of one table.

        Raises:
            UsageError: nobody is there to ask, and ``--yes`` was not given.
        """
        from engine.reconcile.repair import corrections, repair

        wanted = corrections(result.findings)
        if not wanted:
            return
        with self.paused():
            _say(f"{result.table}: {len(wanted):,} events would be appended to its change log, marked {result.run}:")
            for one in wanted[:_SHOWN]:
                _say(f"  {'delete' if one.operation == 'd' else 'write again'} {one.identity}")
            if len(wanted) > _SHOWN:
                _say(f"  and {len(wanted) - _SHOWN:,} more")
            if self.dry_run or not self._is_agreed(result.table):
                return
            repaired = repair(comparison, result)
        _say(f"{result.table}: {repaired.appended:,} events appended; the next fold brings them into the table")
        for identity, why in repaired.left.items():
            _say(f"  left alone: {identity}: {why}")
        if result.confirmed > len(result.findings):
            _say("  more was found than is kept of one run: reconcile and repair again")

    def _is_agreed(self, table: str) -> bool:
        if self.yes:
            return True
        if not sys.stdin.isatty():
            raise UsageError(
                "nobody is there to be asked",
                where=f"--repair, table {table}",
                remedy="add --yes to repair without a question, or --dry-run to see what would be done",
            )
        return click.confirm("Do this?", default=False, err=True)


def _say(line: str) -> None:
    click.echo(line, err=True)
