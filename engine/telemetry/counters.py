"""What one table's worker has done since it started. Written by its thread, read by whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Phase: TypeAlias = Literal["starting", "snapshot", "streaming", "folding", "waiting", "done", "failed"]


@dataclass(slots=True)
class TableCounters:
    """Totals of one process; nothing here decides anything."""

    table: str
    phase: Phase = "starting"
    rows: int = 0
    """Changes committed to the log."""
    bytes: int = 0
    """Their documents and keys as BSON."""
    commits: int = 0
    rescued: int = 0
    """Values kept in ``_rescued`` because their column could not hold them."""
    dead_letters: int = 0
    """Records put aside because they could not be decoded."""
    folds: int = 0
    folded_rows: int = 0
    retries: int = 0
    lag_s: float | None = None
    """How far behind the source the table is, seconds; None while nobody knows."""
