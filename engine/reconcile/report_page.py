"""A report as one HTML page that needs no other file and asks no other host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.reconcile.report import CONFIRMED, FindingReport, Report, TableReport
from engine.reconcile.tallies import Bar, by_bucket, by_field, by_time
from engine.source.cluster_time import unix_seconds
from engine.spec.assets import asset_folder

NAME = "reconciliation-report.html.j2"
MOST_FINDINGS = 500
"""Of a table, side by side on the page; the JSON report has all that were kept."""
LONGEST_VALUE = 2_000
"""Characters of a value that are shown."""
_WIDEST_BAR = 210
_LONGEST_LINE = 60


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from the top down; the picture is drawn by the template."""

    title: str
    bars: Sequence[Bar]

    def width(self, bar: Bar) -> float:
        """In the picture's units."""
        return round(_WIDEST_BAR * bar.count / max(one.count for one in self.bars), 1)


def page(report: Report) -> str:
    """The whole page. Everything in it that comes from documents is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only who writes pages needs it

    environment = Environment(
        loader=FileSystemLoader(asset_folder("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"short": short, "readable": readable, "instant": instant}
    template = environment.get_template(NAME)
    return template.render(report=report, charts=charts, shown=shown, most=MOST_FINDINGS, confirmed=CONFIRMED)


def charts(table: TableReport) -> list[Chart]:
    """Those that have something to show."""
    made = [
        Chart("By field", by_field(table.findings)),
        Chart("By time of the last change", by_time(table.findings)),
        Chart("By chunk", by_bucket(table.findings, table.buckets)),
    ]
    return [chart for chart in made if chart.bars]


def shown(table: TableReport) -> Sequence[FindingReport]:
    """What is confirmed first."""
    ranked = sorted(table.findings, key=lambda finding: finding.verdict not in CONFIRMED)
    return ranked[:MOST_FINDINGS]


def short(text: str, length: int = LONGEST_VALUE) -> str:
    """The beginning of a long text, and how much is left out."""
    return text if len(text) <= length else f"{text[:length]} … ({len(text) - length:,} more characters)"


def readable(text: str) -> str:
    """Extended JSON over several lines, when it is too long for one."""
    if text[:1] not in ("{", "[") or not _LONGEST_LINE < len(text) <= LONGEST_VALUE:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def instant(packed: int | None) -> str:
    """A packed cluster time as ISO 8601, to the second."""
    return "" if packed is None else f"{datetime.fromtimestamp(unix_seconds(packed), UTC):%Y-%m-%dT%H:%M:%SZ}"
