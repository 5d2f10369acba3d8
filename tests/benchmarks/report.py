"""The measurements as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.benchmarks.machine import describe
from tests.benchmarks.measurement import REPEATS, Measurement
from tests.benchmarks.targets import TARGETS

_HEAD = "| what | documents/s | MB/s | seconds (median; least to most) | peak memory |\n|---|--:|--:|--:|--:|"
_TARGET_HEAD = "| target (two cores) | bound | measured | |\n|---|--:|--:|---|"


def report(measurements: Sequence[Measurement]) -> tuple[str, bool]:
    """The report, and whether every target whose cases were measured is met."""
    figures = {measurement.case: measurement for measurement in measurements}
    judged = [target for target in TARGETS if figures and all(case in figures for case in target.cases)]
    parts = [
        f"Measured {datetime.now(UTC):%Y-%m-%d}; medians of {REPEATS} runs, each case in a process of its own.",
        "\n".join(f"- {fact}" for fact in describe()),
        "\n".join([_HEAD, *map(_row, measurements)]),
        "\n".join([_TARGET_HEAD, *(target.line(figures) for target in judged)]),
    ]
    return "\n\n".join(parts) + "\n", all(target.met(figures) for target in judged)


def _row(found: Measurement) -> str:
    seconds = f"{found.median_s:.2f} ({min(found.seconds):.2f} to {max(found.seconds):.2f})"
    memory = f"{found.peak_bytes / 1e6:,.0f} MB"
    return f"| {found.what} | {found.rows_per_s:,.0f} | {found.megabytes_per_s:,.0f} | {seconds} | {memory} |"
