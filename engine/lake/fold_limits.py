"""How much a fold may hold in memory at a time."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class FoldLimits:
    """Bounds of one step of a fold; a longer tail of the log is folded in several commits."""

    max_rows: int = 500_000
    """Rows of the log that are held whole."""
    max_bytes: int = 192 * MIB
    """The same rows in Arrow form."""
    max_keys: int = 1_000_000
    """Rows of which only document and position are held, about 100 bytes each; the rest is read again to be written."""
    max_spill_bytes: int = 2048 * MIB
    """What the operators of a MERGE that can spill may hold in memory before they write to the temporary folder."""
    rewrite_share: float = 0.5
    """From this share of the table's bytes on, in files that lose rows, the table is written anew, without a MERGE."""
