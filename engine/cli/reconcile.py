"""``oplake reconcile``: prove that tables equal their collections, or say exactly where they do not."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from engine.cli.options import pipelines_argument, project_option, target_option

_PREFERENCES = ("primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")


@click.command()
@pipelines_argument
@click.option(
    "--mode",
    type=click.Choice(["full", "incremental", "sampled", "counts"]),
    default="full",
    show_default=True,
    help="full: every document and row. incremental: what was touched since the last clean pass, after one in full. "
    "sampled: documents and rows drawn at random. counts: how many there are, and nothing of what they hold; not of a "
    "change log alone.",
)
@click.option(
    "--id",
    "ids",
    multiple=True,
    metavar="ID",
    help="Only this document: its _id as the table's column has it. May be repeated.",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Only documents touched since then: an incremental pass from 2026-11-30, or 2026-11-30T18:00:00Z.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 0.99999),
    default=0.99,
    show_default=True,
    help="With sampled: how sure a clean sample is to make of that.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.000001, 0.5),
    default=0.001,
    show_default=True,
    help="With sampled: the share of differing documents to rule out, with --confidence.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 4096),
    help="Chunks of a full pass that are read at a time. Default: 1, and the processors of the cluster with ray.",
)
@click.option(
    "--executor",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where a full pass reads the collection: processes of this machine, or a Ray cluster (oplake[ray]).",
)
@click.option(
    "--ray-address",
    default="auto",
    show_default=True,
    metavar="ADDRESS",
    help="With ray: HOST:PORT of the cluster's head; auto: the cluster that this machine belongs to.",
)
@click.option(
    "--read-preference",
    type=click.Choice(_PREFERENCES),
    default="primary",
    show_default=True,
    help="Members that documents are read from; never anything older than the pass.",
)
@click.option("--max-rate", metavar="SIZE", help="Read at most so many bytes of documents a second: 20MiB.")
@click.option(
    "--resume", is_flag=True, help="Go on with the pass that was cut off; what is finished is not read again."
)
@click.option(
    "--chunk-rows",
    type=click.IntRange(1, 1_000_000),
    default=200_000,
    show_default=True,
    help="Documents of a chunk, which ends after 20 s at the latest: what a pass that was killed reads again.",
)
@click.option("--wait", metavar="TIME", help="How long a table that stands still is waited for: 30s.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FILE",
    help="Write a report as the file's name ends: .html (one page with charts), .md or .json.",
)
@click.option(
    "--repair",
    is_flag=True,
    help="Append a corrective event to the change log for each confirmed difference; asks first.",
)
@click.option(
    "--due", is_flag=True, help="Only tables whose spec says `reconcile: {every: ...}` and whose time has come."
)
@click.option("--list", "is_list", is_flag=True, help="Compare nothing: list what was found before.")
@click.option("--show", metavar="RUN", help="Compare nothing: show what one of them has found; also with --report.")
@click.option("--dry-run", is_flag=True, help="With --repair: say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="With --repair: do not ask.")
@target_option
@project_option
def reconcile(pipelines: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - click
    """Compare the tables of PIPELINE... (default: all) with their collections while both go on changing.

    Nothing is written but what this command keeps of itself, and what --repair appends to change logs. A difference is
    reported as confirmed only when the document had no change in flight. Exit codes: 0 everything is proven equal, 5 a
    difference is confirmed, 6 something is undecided or was not looked at.
    """
    from engine.cli.reconcile_progress import ReconcileProgress
    from engine.cli.reconcile_repair import Mender
    from engine.cli.reconcile_reports import check_names, write_reports
    from engine.cli.reconcile_settings import refuse_contradictions, settings_of
    from engine.cli.reconcile_stored import list_kept, show_kept
    from engine.reconcile.reconciling import reconcile_tables
    from engine.runtime.stopping import leave
    from engine.runtime.wanted import Run, trace_settings
    from engine.telemetry.logs import configure
    from engine.telemetry.traces import tracing

    refuse_contradictions(options)
    check_names(options["reports"])
    if options["is_list"]:
        list_kept(pipelines, options)
        return
    if options["show"]:
        found = show_kept(pipelines, options)
        write_reports([found], options["reports"])
        _print([found]) if options["as_json"] else _show(found)
        return
    settings = settings_of(pipelines, options)
    configure(sys.stderr, as_json=not sys.stderr.isatty())
    results: list[Mapping[str, Any]] = []
    traced = tracing("oplake-reconcile", trace_settings(Run(settings.project, pipelines, settings.target)))
    with traced, ReconcileProgress(sys.stderr) as progress:
        mend = Mender(options["yes"], options["dry_run"], progress.paused) if options["repair"] else None
        for result in reconcile_tables(settings, lambda job: progress.begin(job.table), mend):
            results.append(result.as_json())
            if not options["as_json"]:
                _show(results[-1])
    write_reports(results, options["reports"])
    if options["as_json"]:
        _print(results)
    codes = {result["exit_code"] for result in results}
    leave(next((code for code in (5, 6) if code in codes), 0))


def _print(results: Sequence[Mapping[str, Any]]) -> None:
    click.echo(json.dumps(results, ensure_ascii=False, indent=2))


def _looked_at(result: Mapping[str, Any]) -> str:
    """How much was compared, and what came of it; modes other than full and counts look at chosen documents alone."""
    totals = ", ".join(f"{count:,} {verdict}" for verdict, count in result["totals"].items()) or "equal"
    candidates = f"{result['candidates']:,}"
    if result["mode"] not in ("full", "counts"):
        return f"{candidates} documents compared: {totals}"
    both = f"{result['source_documents']:,} documents, {result['table_rows']:,} rows"
    return f"{both}{f', {candidates} rechecked' if result['mode'] == 'full' else ''}: {totals}"


def _show(result: Mapping[str, Any]) -> None:
    """One line a table, and one for each finding."""
    state = {0: "clean", 5: "DIFFERS", 6: "incomplete"}[result["exit_code"]]
    is_compared = result["candidates"] or not result["problem"]
    click.echo(f"{result['table']}: {state}{f': {_looked_at(result)}' if is_compared else ''}")
    for said in (result["problem"], result["remedy"], result["confidence"]):
        if said:
            click.echo(f"  {said}")
    for finding in result["findings"][:20]:
        paths = ", ".join(f"{one['path']} ({one['kind']})" for one in finding["differences"])
        click.echo(f"  {finding['verdict']}: {finding['identity']} {paths or finding['reason']}".rstrip())
    sys.stdout.flush()
