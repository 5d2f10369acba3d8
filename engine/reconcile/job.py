"""One table that is compared with its collection: what both sides are, and who moves changes between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from engine.decode.rules import DecodeRules, rules_of
from engine.reconcile.documents import Documents
from engine.reconcile.in_flight import InFlight, StreamInFlight
from engine.reconcile.recheck import Patience, Recheck
from engine.reconcile.scan_order import go_on, preference
from engine.reconcile.settings import Settings
from engine.reconcile.table_side import TableSide
from engine.runtime.jobs import TableJob
from engine.state.database import Database
from engine.state.runs import Runs

_LOOSE_S = 30.0
"""Beyond the interval of folds: a fold takes its time."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table's job with what is open for it."""

    job: TableJob
    root: Path
    settings: Settings
    client: MongoClient[Any]
    database: Database
    look: Callable[[], None] = go_on
    """Asked again and again, while it waits too; raises where it shall stop."""

    @property
    def rules(self) -> DecodeRules:
        """As the pipeline decodes: what does not fit a column is rescued, whatever the pipeline does of it."""
        table = self.job.pipeline.table
        return rules_of(table.fields, "rescue", table.partition_by)

    @property
    def documents(self) -> Documents:
        """The collection."""
        return Documents(self.client, self.job.namespace, preference(self.settings.read_preference))

    @property
    def in_flight(self) -> InFlight:
        """What tells which changes the log does not hold."""
        if self.job.target.transport.kafka is None:
            return StreamInFlight(self.client, self.job.namespace)
        from engine.reconcile.connector_in_flight import ConnectorInFlight  # noqa: PLC0415  only it needs Kafka's client

        return ConnectorInFlight(self.job, self.client)

    def open_side(self) -> TableSide:
        """The table at its newest version."""
        self.look()
        job = self.job
        return TableSide.open(job.paths, job.pipeline.table.mode, job.target.lake.storage_options())

    def recheck(self) -> Recheck:
        """Judges single documents."""
        patience = Patience(self.settings.rounds, self._wait_s())
        return Recheck(self.open_side, self.documents, self.in_flight, self.rules, patience)

    def _wait_s(self) -> float:
        if self.settings.wait_s is not None:
            return self.settings.wait_s
        if not Runs(self.database, self.job.target.target).writing([self.job.table]):
            return 0.0
        return 2 * self.job.pipeline.table.fold.every.total_seconds() + _LOOSE_S
