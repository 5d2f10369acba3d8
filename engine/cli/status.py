"""``oplake status``: every table at a glance."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import project_option, target_option

if TYPE_CHECKING:
    from engine.cli.paint import Painter
    from engine.planner.status import Report, TableReport
    from engine.resources.standing import Standing
    from engine.state.reconciliations import Reconciliation

SOURCE_TIMEOUT_MS = 3000
HEADINGS = ("PIPELINE", "TABLE", "STATE", "ROWS", "WITH _RESCUED", "VERSION", "POSITION", "LAST COMMIT")
GOOD = frozenset({"ok", "RUNNING"})
RIGHT = frozenset({"ROWS", "WITH _RESCUED", "VERSION"})


@click.command()
@project_option
@target_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def status(project: Path, target: str | None, *, as_json: bool) -> int:
    """Show every table: rows, position, how far it is folded, drift, and what an apply would still do.

    On Kafka, topics and the states of connectors and their tasks as well. Works while MongoDB is down, and says so.
    """
    from engine.planner.scope import scopes
    from engine.planner.status import report
    from engine.planner.workspace import open_workspace
    from engine.resources.mongodb_view import open_source
    from engine.spec.project import load_project

    reports = []
    for scope in scopes(load_project(project), target):
        with open_workspace(scope, create=False) as workspace:
            reports.append(report(workspace, open_source(scope.target, SOURCE_TIMEOUT_MS)))
    if as_json:
        body = [one.to_json() for one in reports]
        click.echo(json.dumps(body[0] if len(body) == 1 else body, indent=2, ensure_ascii=False))
        return 0
    from engine.cli.paint import Painter

    painter = Painter.for_stream(sys.stdout)
    click.echo("\n\n".join(_text(one, painter) for one in reports))
    return 0


def _text(report: Report, paint: Painter) -> str:
    from engine.planner.status import SOUND

    lines = [f"Target {report.target}, lake {report.lake}"]
    answers = report.source == "answers"
    lines.append("Source: " + (report.source if answers else paint.red(report.source)))
    if report.store:
        lines.append("Store: " + (report.store if report.store == SOUND else paint.red(report.store)))
    if report.unfinished:
        lines += ["", paint.yellow(f"! {report.unfinished}")]
    lines.append("")
    if not report.tables and not report.standings:
        return "\n".join([*lines, "No tables yet: `oplake plan` shows what `oplake apply` would create."])
    rows = [_row(one) for one in report.tables]
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    lines.append(paint.dim(_line(HEADINGS, widths)))
    for table, row in zip(report.tables, rows, strict=True):
        line = _line(row, widths)
        lines.append(line if table.state == "ok" else paint.yellow(line))
        if table.status.problem:
            lines.append(f"    {paint.red(table.status.problem)}")
    return "\n".join([*lines, *_standings(report.standings, paint), *_passes(report.passes, paint)])


def _passes(passes: Sequence[Reconciliation], paint: Painter) -> Iterator[str]:
    """Reconciliations without a result, last of all."""
    for one in passes:
        line = f"Reconciliation {one.id} of {one.table}, {one.standing}"
        yield ""
        yield line if one.is_under_way else paint.yellow(line)


def _standings(standings: Sequence[Standing], paint: Painter) -> Iterator[str]:
    """Topics and connectors, below the tables."""
    if not standings:
        return
    rows = [(one.pipeline, one.kind, one.title, one.state, one.detail) for one in standings]
    headings = ("PIPELINE", "KIND", "NAME", "STATE", "DETAIL")
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    yield ""
    yield paint.dim(_padded(headings, widths))
    for one, row in zip(standings, rows, strict=True):
        line = _padded(row, widths)
        yield line if one.state in GOOD else paint.yellow(line)
        if one.problem:
            yield f"    {paint.red(one.problem)}"


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        f"{cell:>{width}}" if heading in RIGHT else f"{cell:<{width}}"
        for heading, cell, width in zip(HEADINGS, cells, widths, strict=True)
    ]
    return "  ".join(aligned).rstrip()


def _row(one: TableReport) -> tuple[str, ...]:
    status = one.status
    return (
        one.pipeline,
        one.table,
        one.state,
        _number(status.rows),
        _number(status.rescued_rows),
        _number(status.version),
        status.position_text or _folded(one),
        (status.last_commit or "-").replace("T", " ").replace("Z", " UTC"),
    )


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _folded(one: TableReport) -> str:
    """How far a folded table is; a log version without rows is nothing to fold, so rows are what counts."""
    status = one.status
    if not status.exists or status.problem:
        return "-"
    rows = status.unfolded_rows
    if status.folded_version is None:
        return f"not folded yet, {rows:,} rows wait" if rows else "not folded yet"
    waiting = f", {rows:,} row{'s' * (rows != 1)} not folded yet" if rows else ""
    return f"log version {status.folded_version}{waiting}"
