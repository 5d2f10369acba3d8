"""Findings counted by field, by time and by part of the table: where to look first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.reconcile.report import CONFIRMED, FindingReport
from engine.source.cluster_time import unix_seconds

_MOST_BARS = 24
_ELEMENT = re.compile(r"(?:^|(?<=\.))\d+(?=\.|$)")
_SECONDS_DIGITS = 8
_SPANS_S = (60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400)
_HEXADECIMAL = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart."""

    label: str
    count: int


def by_field(findings: Iterable[FindingReport]) -> list[Bar]:
    """Differing values by field, the most frequent first; all elements of an array count as one (``items.*.price``)."""
    fields: Counter[str] = Counter()
    for finding in findings:
        fields.update({_ELEMENT.sub("*", one.path) or "(whole document)" for one in finding.differences})
        if finding.verdict in CONFIRMED and not finding.differences:
            fields[f"({finding.verdict})"] += 1
    ranked = sorted(fields.items(), key=lambda item: (-item[1], item[0]))
    bars = [Bar(name, count) for name, count in ranked[:_MOST_BARS]]
    rest = sum(count for _, count in ranked[_MOST_BARS:])
    return [*bars, Bar("(others)", rest)] if rest else bars


def by_time(findings: Iterable[FindingReport]) -> list[Bar]:
    """Documents by the time of the last change that their row tells; else by when the document was read."""
    seconds = [found for finding in findings if (found := _seconds_of(finding)) is not None]
    if not seconds:
        return []
    span = max(seconds) - min(seconds) + 1
    step = next((step for step in _SPANS_S if span / step <= _MOST_BARS), span // _MOST_BARS + 1)
    return _evenly(seconds, step, lambda start: f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d %H:%M}")


def by_bucket(findings: Iterable[FindingReport], buckets: int) -> list[Bar]:
    """Documents by the part of the table they were found in; neighbouring parts share a bar when there are many."""
    numbers = [finding.bucket for finding in findings if finding.bucket is not None]
    if not numbers:
        return []
    step = -(-max(buckets, max(numbers) + 1) // _MOST_BARS)
    return _evenly(numbers, step, lambda start: f"{start}" if step == 1 else f"{start} to {start + step - 1}")


def _evenly(values: Sequence[int], step: int, label: Callable[[int], str]) -> list[Bar]:
    counts = Counter(value // step for value in values)
    return [Bar(label(place * step), counts[place]) for place in range(min(counts), max(counts) + 1)]


def _seconds_of(finding: FindingReport) -> int | None:
    """Since 1970; the first eight digits of a ``_position`` are the seconds of its cluster time."""
    if finding.position and _HEXADECIMAL.match(finding.position):
        seconds = int(finding.position[:_SECONDS_DIGITS], 16)
        if seconds:
            return seconds
    return None if finding.read_at is None else unix_seconds(finding.read_at)
