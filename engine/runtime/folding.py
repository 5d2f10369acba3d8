"""The fold a pipeline's mode asks for."""

from __future__ import annotations

from engine.errors import InternalError
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.lake.fold_steps import FoldResult
from engine.lake.log_commits import LogHistoryGone
from engine.resources.partitions import partitions
from engine.runtime.jobs import TableJob


def fold(job: TableJob, log: ChangeLog) -> FoldResult:
    """Bring the folded table up to the log; from the whole log when its newest commits were cleaned up.

    Raises:
        CommitConflict: another fold was first.
        LakeError: a table cannot be read, or belongs to another log.
    """
    uri = job.folded_uri
    if uri is None:
        raise InternalError("a table of mode `changes` has nothing to fold", where=job.table)
    run = fold_current if job.pipeline.table.mode == "current" else fold_history
    _, declared = partitions(job.pipeline)
    try:
        return run(log, uri, partition_by=declared)
    except LogHistoryGone:
        return run(log, uri, partition_by=declared, rebuild=True)
