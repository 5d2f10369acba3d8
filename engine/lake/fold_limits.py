"""How much a fold may hold in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class FoldLimits:
    """Bounds of one step of a fold; a longer tail of the log is folded in several commits."""

    max_rows: int = 500_000
    max_bytes: int = 192 * MIB
    """Rows of the log in Arrow form."""
    max_spill_bytes: int = 2048 * MIB
    """What the operators of a MERGE that can spill may hold in memory before they write to the temporary folder."""
