"""What passes keep while they are under way, and who removes it: they themselves, or the table's next full pass."""

from __future__ import annotations

import shutil

from engine.reconcile.job import Comparison
from engine.reconcile.kept_chunks import job_name
from engine.reconcile.spill_folder import FOLDER
from engine.state.checkpoints import Checkpoints, jobs_with_checkpoints
from engine.state.reconciliations import Reconciliations


def forget(comparison: Comparison, run: str) -> None:
    """Remove what a pass that is over, or given up, has left."""
    shutil.rmtree(comparison.root / FOLDER / run, ignore_errors=True)
    Checkpoints(comparison.database, job_name(run)).clear()


def forget_finished(comparison: Comparison, kept: Reconciliations) -> None:
    """Remove what passes of this table left that were killed once their result was kept.

    A folder whose pass the state does not know may be that of another target, with a state of its own: it stays.
    """
    prefix = job_name("")
    runs = {job.removeprefix(prefix) for job in jobs_with_checkpoints(comparison.database, prefix)}
    runs |= {folder.name for folder in (comparison.root / FOLDER).glob("*")}
    for run in kept.finished_among(comparison.job.table, runs):
        forget(comparison, run)
