"""When each version of a Delta table was committed, as its writers say.

deltalake's own ``load_as_version(time)`` goes by the modification times of the log's files: a lake that was
copied would answer with version 0, and so would a time before the table was made. The times in the commits
survive a copy, have milliseconds on every store, and let us say when there was no table yet.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from deltalake import DeltaTable

from engine.errors import LakeError
from engine.lake.delta_errors import reading
from engine.lake.delta_log import DeltaLog


class CommitTimes:
    """The commits of one table that can still be read, oldest to newest; each look-up reads a few of them."""

    def __init__(self, table: DeltaTable) -> None:
        self._uri = table.table_uri
        self._log = DeltaLog(table)
        self.newest = table.version()
        with reading(self._uri):
            self.oldest = first_where(0, self.newest, self._exists)

    def at(self, version: int) -> datetime:
        """When a version was committed.

        Raises:
            LakeError: the commit is gone, or does not say.
        """
        with reading(self._uri):
            infos = [action["commitInfo"] for action in self._log.actions(version, "commitInfo")]
        if infos and "timestamp" in infos[0]:
            return datetime.fromtimestamp(infos[0]["timestamp"] / 1000, UTC)
        raise LakeError(
            f"the commit of version {version} does not say when it was made",
            where=self._uri,
            remedy="ask for a version instead of a time",
        )

    def last_until(self, time: datetime) -> int | None:
        """The newest version committed at or before a time; None when there was none (that is still known)."""
        after = first_where(self.oldest, self.newest + 1, lambda version: self._is_after(version, time))
        return after - 1 if after > self.oldest else None

    def _is_after(self, version: int, time: datetime) -> bool:
        return version > self.newest or self.at(version) > time

    def _exists(self, version: int) -> bool:
        try:
            self._log.lines(version)
        except FileNotFoundError:
            return False
        return True


def first_where(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number from ``low`` to ``high`` for which ``holds``, once true true for all above.

    ``high`` is not asked: it is the answer when no smaller number holds.
    """
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
