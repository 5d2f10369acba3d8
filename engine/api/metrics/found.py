"""What a table's last reconciliation has found, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

from engine.reconcile.verdict import Verdict
from engine.state.clock import unix_seconds
from engine.state.reconciliations import Reconciliation


@dataclass(frozen=True, slots=True)
class Found:
    """One reconciliation that has ended."""

    pipeline: str
    table: str
    mode: str
    ended_at: float
    """Unix seconds."""
    seconds: float
    """How long it took."""
    documents: int
    """Documents of the collection that were read."""
    confirmed: int
    undecided: int
    is_complete: bool

    @classmethod
    def of(cls, one: Reconciliation) -> Found:
        """As the state database has it."""
        result = one.result or {}
        totals = {Verdict(name): int(count) for name, count in result.get("totals", {}).items()}
        confirmed = sum(count for verdict, count in totals.items() if verdict.is_confirmed)
        undecided = sum(totals.values()) - confirmed
        began, ended = unix_seconds(one.started_at), unix_seconds(one.finished_at or one.started_at)
        return cls(
            pipeline=str(result.get("pipeline", "")),
            table=one.table,
            mode=one.mode,
            ended_at=ended,
            seconds=max(0.0, ended - began),
            documents=int(result.get("source_documents", 0)),
            confirmed=confirmed,
            undecided=undecided,
            is_complete=not undecided and not result.get("problem"),
        )
