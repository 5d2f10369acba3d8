"""The commits of a change log: how many rows each one added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from deltalake import DeltaTable

from engine.errors import LakeError
from engine.lake.commit import REWRITE_NOTE, SIZE_NOTE
from engine.lake.delta_errors import reading
from engine.lake.delta_log import Action, DeltaLog

_READERS = 16
_COMPRESSION_GUESS = 6
"""Arrow bytes for each Parquet byte of a commit that does not say how many it has."""


class LogHistoryGone(LakeError):
    """The commits or files that hold the unfolded changes were cleaned up; the rows themselves are not lost.

    Recovery: fold with ``rebuild=True``, which reads the whole log instead of its newest commits.
    """

    code = "log-history-gone"

    @classmethod
    def at(cls, uri: str, after: int, what: str) -> LogHistoryGone:
        """The error for a fold that stands at version ``after``."""
        return cls(
            f"{what} of the change log after version {after} were cleaned up before they were folded",
            where=uri,
            remedy="fold again with a rebuild, which reads the whole log; "
            "keep the log's retention longer than the longest time without a fold",
        )


@dataclass(frozen=True, slots=True)
class LogCommit:
    """One commit: the rows and Arrow bytes it added. A rewrite says again what was there: it adds none."""

    version: int
    rows: int
    size_bytes: int
    is_rewrite: bool = False


def commits_after(table: DeltaTable, after: int) -> list[LogCommit]:
    """The commits after a version up to the table's own, oldest first.

    Raises:
        LogHistoryGone: some of them are not in the Delta log any more.
    """
    log = DeltaLog(table)

    def commit(version: int) -> LogCommit:
        return _commit(version, log.actions(version, "add", "commitInfo"))

    with reading(table.table_uri), ThreadPoolExecutor(_READERS) as readers:
        try:
            return list(readers.map(commit, range(after + 1, table.version() + 1)))
        except FileNotFoundError as error:
            raise LogHistoryGone.at(table.table_uri, after, "commits") from error


def _commit(version: int, actions: Sequence[Action]) -> LogCommit:
    if any(REWRITE_NOTE in action.get("commitInfo", {}) for action in actions):
        return LogCommit(version, 0, 0, is_rewrite=True)
    added = [action["add"] for action in actions if action.get("add", {}).get("dataChange")]
    told = [int(note) for action in actions if (note := action.get("commitInfo", {}).get(SIZE_NOTE))]
    size_bytes = told[0] if told and added else _COMPRESSION_GUESS * sum(add["size"] for add in added)
    return LogCommit(version, sum(map(_rows, added)), size_bytes)


def _rows(add: Action) -> int:
    """The rows of a file; at least one when its writer keeps no statistics."""
    return int(json.loads(add.get("stats") or "{}").get("numRecords", 1))
