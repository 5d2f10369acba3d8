"""What one reconciliation of one table has found: plain data, the same for terminal, JSON and history."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from engine.reconcile.verdict import Finding, Verdict

Mode: TypeAlias = Literal["full", "incremental", "sampled", "counts", "ids"]
EXIT_CLEAN, EXIT_CONFIRMED, EXIT_INCOMPLETE = 0, 5, 6


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the collection that was read in one go, between two bounds of the ``_id`` index."""

    part: int
    """Which worker's share it belongs to."""
    number: int
    documents: int
    size_bytes: int
    """BSON bytes read."""
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "part": self.part,
            "number": self.number,
            "documents": self.documents,
            "size_bytes": self.size_bytes,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which changes this pass speaks for. Packed cluster times."""

    since: int | None = None
    """None: from the beginning."""
    until: int | None = None
    """Everything up to it was looked at; None when that cannot be said."""
    verified_until: int | None = None
    """Everything up to it is verified, by this pass and the clean ones before it without a gap between them."""

    def as_json(self) -> dict[str, int | None]:
        """Plain data."""
        return {"since": self.since, "until": self.until, "verified_until": self.verified_until}


@dataclass(frozen=True, slots=True)
class Result:
    """One table against its collection."""

    run: str
    target: str
    pipeline: str
    table: str
    namespace: str
    mode: Mode
    started_at: str
    """ISO 8601, UTC."""
    finished_at: str
    source_documents: int = 0
    table_rows: int = 0
    table_version: int | None = None
    """Delta version of the table that was read first; a candidate is judged by newer ones."""
    chunks: tuple[Chunk, ...] = ()
    buckets: int = 0
    equal_buckets: int = 0
    """Those whose fingerprints were the same on both sides."""
    candidates: int = 0
    """Documents that did not look the same at first."""
    totals: dict[Verdict, int] = field(default_factory=dict)
    """How many of each verdict; ``findings`` may hold fewer."""
    findings: tuple[Finding, ...] = ()
    coverage: Coverage = Coverage()
    confidence: str = ""
    """What a sample says of the whole."""
    problem: str = ""
    """Why the work is incomplete as a whole."""
    remedy: str = ""

    @property
    def confirmed(self) -> int:
        """Documents that the table is proven wrong about."""
        return sum(count for verdict, count in self.totals.items() if verdict.is_confirmed)

    @property
    def undecided(self) -> int:
        """Documents that nothing is proven of."""
        return sum(self.totals.values()) - self.confirmed

    @property
    def is_complete(self) -> bool:
        """Whether everything that was to be looked at is decided."""
        return not self.problem and not self.undecided

    @property
    def exit_code(self) -> int:
        """5 when a difference is confirmed; 6 when something is undecided, skipped or incomplete; else 0."""
        if self.confirmed:
            return EXIT_CONFIRMED
        return EXIT_CLEAN if self.is_complete else EXIT_INCOMPLETE

    def as_json(self) -> dict[str, Any]:
        """Plain data for a report."""
        plain = ("run", "target", "pipeline", "table", "namespace", "mode", "started_at", "finished_at")
        counts = ("source_documents", "table_rows", "table_version", "buckets", "equal_buckets", "candidates")
        said = ("confidence", "problem", "remedy", "exit_code")
        return {
            **{name: getattr(self, name) for name in (*plain, *counts, *said)},
            "totals": {verdict.value: count for verdict, count in self.totals.items()},
            "chunks": [chunk.as_json() for chunk in self.chunks],
            "findings": [finding.as_json() for finding in self.findings],
            "coverage": self.coverage.as_json(),
        }


def count_verdicts(findings: tuple[Finding, ...]) -> dict[Verdict, int]:
    """How many findings there are of each verdict."""
    return dict(Counter(finding.verdict for finding in findings))
