"""What is found of one document, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.reconcile.difference import FieldDifference


class Verdict(StrEnum):
    """What is known of a document that did not look the same on both sides (docs/reconciliation.md)."""

    MISSING = "missing"
    """Confirmed: the collection has the document, the table has no row of it."""
    EXTRA = "extra"
    """Confirmed: the table has a row, the collection has no such document."""
    MISMATCH = "mismatch"
    """Confirmed: the row tells another document."""
    DUPLICATE = "duplicate"
    """Confirmed: the table has several rows of one document."""
    IN_FLIGHT = "in_flight"
    """The document has changes that the table does not hold yet, and they did not arrive while we waited."""
    CHANGED_TOO_FAST = "changed_too_fast"
    """The document changed anew in every round."""
    UNSUPPORTED = "unsupported"
    """It cannot be compared; the finding says why."""
    SKIPPED = "skipped"
    """It could not be judged; the finding says why."""

    @property
    def is_confirmed(self) -> bool:
        """Whether the table is proven wrong."""
        return self in _CONFIRMED


_CONFIRMED = frozenset({Verdict.MISSING, Verdict.EXTRA, Verdict.MISMATCH, Verdict.DUPLICATE})


@dataclass(frozen=True, slots=True)
class Finding:
    """One document that is not proven equal."""

    identity: str
    """The ``_id`` as the table has it (docs/types.md)."""
    verdict: Verdict
    differences: tuple[FieldDifference, ...] = ()
    """Of a mismatch."""
    rounds: int = 0
    """How often both sides were read."""
    read_at: int | None = None
    """The packed cluster time after which the document was read last."""
    position: str | None = None
    """``_position`` of the row, where there is one."""
    bucket: int | None = None
    """Where it was found to differ."""
    reason: str = ""
    """What else there is to say, for whoever reads the report."""

    def as_json(self) -> dict[str, Any]:
        """Plain data for a report."""
        return {
            "identity": self.identity,
            "verdict": self.verdict.value,
            "differences": [difference.as_json() for difference in self.differences],
            "rounds": self.rounds,
            "read_at": self.read_at,
            "position": self.position,
            "bucket": self.bucket,
            "reason": self.reason,
        }
