"""One figure: so much work, timed five times, in a process of its own."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

REPEATS = 5
Prepared = TypeVar("Prepared")


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one case found; the median is what is reported."""

    case: str
    what: str
    rows: int
    """Documents or changes in one timed run."""
    size_bytes: int
    """The same as BSON."""
    seconds: list[float]
    peak_bytes: int = 0
    """The most memory the measured process ever held, its inputs included."""
    extra: dict[str, float] = field(default_factory=dict)

    @property
    def median_s(self) -> float:
        """The middle of the runs."""
        return statistics.median(self.seconds)

    @property
    def rows_per_s(self) -> float:
        """Documents a second."""
        return self.rows / self.median_s

    @property
    def megabytes_per_s(self) -> float:
        """Megabytes (10^6) of BSON a second."""
        return self.size_bytes / self.median_s / 1e6


def timed(
    work: Callable[[Prepared], object], prepare: Callable[[int], Prepared], repeats: int = REPEATS
) -> list[float]:
    """Seconds that ``work`` took, run by run; what ``prepare`` does before each run is not counted."""
    seconds = []
    for run in range(repeats):
        ready = prepare(run)
        started = time.perf_counter()
        work(ready)
        seconds.append(time.perf_counter() - started)
    return seconds


def peak_bytes() -> int:
    """The most memory this process has held so far."""
    return in_bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def in_bytes(max_rss: int) -> int:
    """``ru_maxrss`` is in kilobytes, but on macOS in bytes."""
    return max_rss if sys.platform == "darwin" else max_rss * 1024
