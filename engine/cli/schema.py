"""``oplake schema``: the JSON Schemas of specs and reports."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("schemas"),
    show_default=True,
    help="Folder to write to.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file differs.")
def schema(out: Path, *, check: bool) -> int:
    """Write the JSON Schemas that editors complete and check specs with, and those of reports."""
    from engine.reconcile import report
    from engine.spec.json_schema import SCHEMAS, schema_text

    stale: list[Path] = []
    for name, text in [*((name, schema_text(name)) for name in SCHEMAS), (report.SCHEMA_NAME, report.schema_text())]:
        path = out / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if not check:
            out.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        click.echo(f"{path}: {'is out of date; run `oplake schema`' if check else 'written'}")
    if not stale:
        click.echo(f"the schemas in {out} are up to date")
    return 1 if check and stale else 0
