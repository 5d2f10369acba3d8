"""The fold a pipeline's mode asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.errors import InternalError, LakeError
from engine.lake.change_log import ChangeLog
from engine.lake.delta_errors import is_missing_file
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.lake.fold_steps import FoldResult
from engine.lake.folded_table import folded_through
from engine.lake.log_commits import LogHistoryGone, commits_after
from engine.lake.log_tail import LogTail
from engine.resources.partitions import partitions
from engine.runtime.jobs import TableJob
from engine.spec.target import S3

OTHERS_FOLD_S = 15.0
"""How long, at the end of a run, a worker lets the one that folds the table go first: two folds at once do the work
twice, and the second one's is thrown away."""


_LOOK_EVERY_S = 0.5
_ASK_AGAIN_AFTER_S = (1.0, 2.0, 4.0, 8.0)
"""So long a host of a store that is back from an outage may say that what was written meanwhile is not there."""


def let_others_fold(is_done: Callable[[], bool], nap: Callable[[float], None], clock: Callable[[], float]) -> None:
    """Wait until the table is folded, or for ``OTHERS_FOLD_S``: nobody may lead it just now."""
    until = clock() + OTHERS_FOLD_S
    while not is_done() and clock() < until:
        nap(_LOOK_EVERY_S)


def is_folded(uri: str | None, log: ChangeLog) -> bool:
    """Whether the folded table at ``uri`` holds every row of the log already, by the log's newest version.

    Raises:
        LakeError: a table cannot be read.
    """
    if uri is None:
        return True
    through = folded_through(uri, log.id, log.storage_options)
    if through is None:
        return False
    tail = LogTail.open(log.uri, log.storage_options)
    return not any(commit.rows for commit in commits_after(tail.table, through))


def fold(job: TableJob, log: ChangeLog, nap: Callable[[float], None]) -> FoldResult:
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
    once = partial(run, log, uri, partition_by=declared)
    for wait_s in _ASK_AGAIN_AFTER_S if uri.startswith(S3) else ():
        try:
            return once()
        except LakeError as error:
            if not (isinstance(error, LogHistoryGone) or is_missing_file(error)):
                raise
        nap(wait_s)
    try:
        return once()
    except LogHistoryGone:
        return once(rebuild=True)
