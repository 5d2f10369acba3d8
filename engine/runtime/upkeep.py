"""Keeps the files of a table in order now and then, as its spec says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from engine.errors import CommitConflict
from engine.lake.maintenance import is_due, maintain
from engine.runtime.jobs import TableJob
from engine.runtime.reports import Report

_INTERVALS: Mapping[str, timedelta] = MappingProxyType({"daily": timedelta(days=1), "weekly": timedelta(days=7)})
_ASK_EVERY = timedelta(minutes=10)


class Upkeep:
    """Asks from time to time whether a table's files are due."""

    def __init__(self, job: TableJob, report: Report) -> None:
        self._job = job
        self._report = report
        self._interval = _INTERVALS.get(job.pipeline.table.maintenance.optimize)
        self._asked: datetime | None = None

    def keep_if_due(self) -> None:
        """Compact, sort and vacuum the log and its folded table, if it is time. A conflict waits for the next time."""
        now = datetime.now(UTC)
        if self._interval is None or (self._asked is not None and now - self._asked < _ASK_EVERY):
            return
        self._asked = now
        options = self._job.target.lake.storage_options()
        settings = self._job.pipeline.table.maintenance
        folded = self._job.folded_uri
        for uri, z_order in ((self._job.paths.changes, ()), (folded, settings.z_order)):
            if uri is None:
                continue
            try:
                if is_due(uri, self._interval, now, options):
                    self._report.tidying()
                    self._report.kept(uri, maintain(uri, z_order, settings.vacuum.retain, now, options))
            except CommitConflict as conflict:
                self._report.upkeep_put_off(conflict)
