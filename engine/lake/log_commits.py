"""The commits of a change log: how many rows each one added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable

from engine.errors import LakeError
from engine.lake.commit import REWRITE_NOTE
from engine.lake.delta_errors import reading

_UNKNOWN_ROWS = 1_000_000
_ADDS_NOTHING = ("CREATE TABLE", "OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "ADD COLUMN")


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
    """One commit: rows it added (a guess when its writer does not say), and whether it only rewrote rows."""

    version: int
    rows: int
    is_rewrite: bool


def commits_after(table: DeltaTable, after: int) -> list[LogCommit]:
    """The commits after a version up to the table's own, oldest first.

    Raises:
        LogHistoryGone: some of them are not in the Delta log any more.
    """
    wanted = table.version() - after
    if wanted <= 0:
        return []
    with reading(table.table_uri):
        # deltalake 1.6.6 counts the limit from the newest version, not from the table's own: there may be more.
        infos = table.history(wanted)[:wanted]
    if len(infos) < wanted:
        raise LogHistoryGone.at(table.table_uri, after, "commits")
    commits = [
        LogCommit(after + number, _rows_added(info), REWRITE_NOTE in info)
        for number, info in enumerate(reversed(infos), start=1)
    ]
    rewrites = [commit.version for commit in commits if commit.is_rewrite]
    if rewrites and any(commit.rows for commit in commits if commit.version < rewrites[-1]):
        raise LogHistoryGone.at(table.table_uri, after, "rows in narrower columns")
    return commits


def _rows_added(info: Mapping[str, Any]) -> int:
    if info.get("operation") in _ADDS_NOTHING:
        return 0
    return int((info.get("operationMetrics") or {}).get("num_added_rows", _UNKNOWN_ROWS))
