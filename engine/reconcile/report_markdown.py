"""A report as Markdown: for a pull request, an issue, a message."""

from __future__ import annotations

from engine.reconcile.report import CONFIRMED, FindingReport, Report, TableReport
from engine.reconcile.report_page import short
from engine.reconcile.tallies import by_field

MOST_FINDINGS = 50
_LONGEST_VALUE = 120
_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_{}[]()#+-.!|~@:"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
)


def markdown(report: Report) -> str:
    """The whole report; everything in it that comes from documents is escaped."""
    return "\n\n".join(["# Reconciliation", *(_table(table) for table in report.tables)]) + "\n"


def _table(table: TableReport) -> str:
    parts = [
        f"## {_text(table.table)}: {table.state}",
        f"{_text(table.namespace)} on {_text(table.target)}, {table.mode}, {table.started_at} to {table.finished_at}, "
        f"run {_text(table.run)}",
        f"{table.source_documents:,} documents, {table.table_rows:,} rows, {table.candidates:,} rechecked, "
        f"{table.confirmed:,} confirmed, {table.undecided:,} undecided.",
    ]
    parts += [_text(said) for said in (table.problem, table.remedy, table.confidence) if said]
    bars = by_field(table.findings)
    if bars:
        parts.append(_grid("| field | documents |", [f"| {_text(bar.label)} | {bar.count:,} |" for bar in bars]))
    ranked = sorted(table.findings, key=lambda finding: finding.verdict not in CONFIRMED)
    if ranked:
        lines = [line for finding in ranked[:MOST_FINDINGS] for line in _finding(finding)]
        parts.append(_grid("| `_id` | verdict | path | how | collection | table |", lines))
    left = sum(table.totals.values()) - min(len(ranked), MOST_FINDINGS)
    return "\n\n".join([*parts, f"{left:,} more documents are not listed here."] if left > 0 else parts)


def _grid(head: str, lines: list[str]) -> str:
    return "\n".join([head, "|" + "---|" * (head.count("|") - 1), *lines])


def _finding(finding: FindingReport) -> list[str]:
    start = f"| {_text(finding.identity)} | {finding.verdict.replace('_', ' ')} |"
    if not finding.differences:
        return [f"{start} | {_text(finding.reason)} | | |"]
    return [
        f"{start} {_text(one.path)} | {one.kind.replace('_', ' ')} | {_value(one.source)} | {_value(one.table)} |"
        for one in finding.differences
    ]


def _value(text: str | None) -> str:
    return "*nothing*" if text is None else _text(text)


def _text(text: str) -> str:
    """One line that Markdown shows as it is, links and HTML in it included."""
    return " ".join(short(text, _LONGEST_VALUE).split()).translate(_SPECIAL)
