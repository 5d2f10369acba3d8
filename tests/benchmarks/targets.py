"""What oplake promises of a machine with two cores, and whether the figures keep it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.benchmarks.documents import LARGE, SMALL
from tests.benchmarks.measurement import Measurement

Figures = Mapping[str, Measurement]
PEAK_LIMIT_BYTES = 1.5e9


@dataclass(frozen=True, slots=True)
class Target:
    """A promise: the cases it needs, how to read the figure from them, and the bound."""

    promise: str
    cases: tuple[str, ...]
    found: Callable[[Figures], float]
    bound: float
    unit: str
    is_minimum: bool = True

    def met(self, figures: Figures) -> bool:
        """Whether the figure keeps the promise."""
        found = self.found(figures)
        return found >= self.bound if self.is_minimum else found < self.bound

    def line(self, figures: Figures) -> str:
        """A row of the report."""
        verdict = "PASS" if self.met(figures) else "MISS"
        relation = ">=" if self.is_minimum else "<"
        found = self.found(figures)
        measured = f"{found:,.0f}" if found >= 100 else f"{found:.2f}"
        return f"| {self.promise} | {relation} {self.bound:,g}{self.unit} | {measured}{self.unit} | {verdict} |"


def _rate(case: str) -> Callable[[Figures], float]:
    return lambda figures: figures[case].rows_per_s


def _median(case: str) -> Callable[[Figures], float]:
    return lambda figures: figures[case].median_s


def _speed(case: str) -> Callable[[Figures], float]:
    return lambda figures: figures[case].megabytes_per_s


_PLAIN, _MIXED, _FOLD = f"decode {SMALL} 0%", f"decode {SMALL} 10%", "fold 100000 2000000"
_WIRE = f"debezium {SMALL} 0%"
_SCAN, _SCAN_MANY = f"reconcile scan {SMALL} 100000", f"reconcile scan {SMALL} 5000000"
_WHOLE = "reconcile whole 1 100000"
_SCAN_LARGE = f"reconcile scan {LARGE} 100000"
_HELP, _VALIDATE = "start --help", "start validate"

TARGETS = (
    Target("decode, one core, no conflicts", (_PLAIN,), _rate(_PLAIN), 80_000, " documents/s"),
    Target("decode, one core, 10% of the values conflict", (_MIXED,), _rate(_MIXED), 40_000, " documents/s"),
    Target("Debezium's messages to rows, one core, no conflicts", (_WIRE,), _rate(_WIRE), 80_000, " messages/s"),
    Target(
        "append, share of the plain Parquet write rate",
        ("append", "limit parquet"),
        lambda figures: 100 * figures["append"].rows_per_s / figures["limit parquet"].rows_per_s,
        40,
        " %",
    ),
    Target("fold 100,000 changes into 2,000,000 rows", (_FOLD,), _median(_FOLD), 3, " s", is_minimum=False),
    Target("reconcile, one core, 400 B documents", (_SCAN,), _speed(_SCAN), 60, " MB/s"),
    Target("reconcile, one core, 5 kB documents", (_SCAN_LARGE,), _speed(_SCAN_LARGE), 120, " MB/s"),
    Target(
        "reconcile, 5,000,000 documents against 100,000: time of one document",
        (_SCAN, _SCAN_MANY),
        lambda figures: figures[_SCAN].rows_per_s / figures[_SCAN_MANY].rows_per_s,
        1.2,
        " times",
        is_minimum=False,
    ),
    Target(
        "reconcile, peak memory",
        (_SCAN_MANY, _WHOLE),
        lambda figures: max(figures[case].peak_bytes for case in (_SCAN_MANY, _WHOLE)) / 1e6,
        500,
        " MB",
        is_minimum=False,
    ),
    Target("start, oplake --help", (_HELP,), _median(_HELP), 0.5, " s", is_minimum=False),
    Target("start, oplake validate", (_VALIDATE,), _median(_VALIDATE), 0.5, " s", is_minimum=False),
    Target(
        "peak memory of any measured process",
        (),
        lambda figures: max(measurement.peak_bytes for measurement in figures.values()) / 1e9,
        PEAK_LIMIT_BYTES / 1e9,
        " GB",
        is_minimum=False,
    ),
)
