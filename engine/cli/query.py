"""``oplake query``: one SELECT over the lake, printed or written to a file."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from engine.cli.options import project_option, target_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.query.run import Query, Rows
    from engine.spec.project import Project

TEMP_FOLDER = Path(".oplake", "tmp")


@click.command()
@click.argument("sql", required=False)
@click.option("--saved", metavar="NAME", help="Run the query of specs/queries of this name.")
@click.option("--as-of", "as_of", metavar="VERSION|TIME", help="Look at the lake as it was.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet", "arrow"]),
    help="How to write the rows.  [default: table; with --out by the file's suffix]",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option("--max-rows", type=click.IntRange(1), default=100, show_default=True, help="Rows that a table shows.")
@click.option("--explain", is_flag=True, help="Print the plan instead of running the query.")
@click.option("--memory-limit", default="2GB", show_default=True, help="Memory before it spills or fails.")
@click.option("--timeout", default="60s", show_default=True, help="Time until the last row: 500ms, 60s, 5m.")
@target_option
@project_option
def query(sql: str | None, **options: Any) -> None:  # noqa: ANN401 - click
    """Run one SELECT over the views TABLE (live), TABLE__current, TABLE__changes and TABLE__history.

    SQL may be - to read the statement from standard input, or left out for --saved.
    """
    from engine.query.run import explain_query, run_query

    form = _format(options["form"], options["out"])
    request = _request(sql, options)
    with _quiet_when_nobody_reads():
        if options["explain"]:
            click.echo(explain_query(request))
            return
        with run_query(request) as rows:
            _write(rows, form, options["out"], options["max_rows"])


def _format(form: str | None, out: Path | None) -> str:
    chosen = form or (_form_by_suffix(out) if out else "table")
    if chosen == "parquet" and out is None:
        raise UsageError("Parquet is no text", where="--format", remedy="add --out FILE.parquet")
    if chosen == "arrow" and out is None and sys.stdout.isatty():
        raise UsageError("an Arrow stream is no text", where="--format", remedy="add --out FILE.arrow, or pipe it")
    return chosen


def _form_by_suffix(out: Path) -> str:
    """The form that a file's name asks for: none is guessed, since a table would leave rows out."""
    by_suffix = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".arrow": "arrow", ".arrows": "arrow"}
    form = by_suffix.get(out.suffix.lower())
    if form is None:
        remedy = f"end it in one of {', '.join(by_suffix)}, or add --format"
        raise UsageError("the file's name does not say how to write it", where=f"--out {out}", remedy=remedy)
    return form


def _request(sql: str | None, options: dict[str, Any]) -> Query:
    from engine.query.as_of import NOW, parse_as_of
    from engine.query.limits import Limits
    from engine.query.project_lake import lake_of
    from engine.query.run import Query
    from engine.spec.project import load_project
    from engine.spec.quantities import parse_duration

    try:
        time = parse_duration(options["timeout"])
    except ValueError as error:
        raise UsageError(f"{options['timeout']!r} {error}", where="--timeout") from None
    project = load_project(options["project"])
    return Query(
        _statement(project, sql, options["saved"]),
        lake_of(project, options["target"]),
        project.root / TEMP_FOLDER,
        parse_as_of(options["as_of"]) if options["as_of"] else NOW,
        Limits(options["memory_limit"], time),
    )


def _statement(project: Project, sql: str | None, saved: str | None) -> str:
    from engine.query.saved import saved_query

    if (sql is None) == (saved is None):
        remedy = "give one of them: `oplake query SQL` or `oplake query --saved NAME`"
        raise UsageError("a query needs a statement or the name of a saved one, not both", remedy=remedy)
    if saved is not None:
        return saved_query(project, saved).sql
    # In a locale that is not UTF-8 Python passes on what it cannot read of the argument; SQL is UTF-8.
    return sys.stdin.read() if sql == "-" else os.fsencode(str(sql)).decode(errors="replace")


def _write(rows: Rows, form: str, out: Path | None, max_rows: int) -> None:
    from engine.query.arrow_output import write_arrow
    from engine.query.csv_output import write_csv
    from engine.query.json_output import write_json
    from engine.query.parquet_output import write_parquet
    from engine.query.table_output import write_table

    if out is None and form == "arrow":
        write_arrow(rows, sys.stdout.buffer)
        return
    if out is not None and form in ("arrow", "parquet"):
        with _replacing(out) as temporary, temporary.open("wb") as stream:
            count = write_arrow(rows, stream) if form == "arrow" else write_parquet(rows, stream)
        click.echo(f"wrote {count:,} rows to {out}", err=True)
        return
    with _opened(out, is_data=form != "table") as stream:
        match form:
            case "csv":
                write_csv(rows, stream)
            case "json":
                write_json(rows, stream)
            case _:
                write_table(rows, stream, max_rows)


@contextmanager
def _opened(out: Path | None, *, is_data: bool) -> Iterator[TextIO]:
    if out is None:
        if is_data and isinstance(sys.stdout, io.TextIOWrapper):
            # CSV and JSON are UTF-8 whatever the terminal speaks: an escaped character would be another value.
            sys.stdout.reconfigure(encoding="utf-8", errors="strict")
        yield sys.stdout
        sys.stdout.flush()
        return
    with _replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        yield stream


@contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """A file beside ``out`` that takes its place at the end; nothing half-written is ever left."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(out)
    except OSError as error:
        raise UsageError(f"cannot write: {error.strerror or error}", where=str(out)) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _quiet_when_nobody_reads() -> Iterator[None]:
    """``oplake query ... | head`` ends without a complaint once head has seen enough."""
    try:
        yield
    except BrokenPipeError:
        # What is still buffered would fail again when Python closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
