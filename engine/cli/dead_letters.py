"""``oplake dead-letters``: records that could not be decoded."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import project_option, target_option

if TYPE_CHECKING:
    from engine.lake.dead_letters import DeadLetters
    from engine.spec.pipeline import Pipeline
    from engine.spec.project import Project
    from engine.spec.target import Target


@click.group("dead-letters")
def dead_letters() -> None:
    """List, replay or drop the records of a pipeline that could not be decoded."""


@dead_letters.command("list")
@click.argument("pipeline")
@project_option
@target_option
@click.option("--all", "with_replayed", is_flag=True, help="Also those that were replayed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--content", is_flag=True, help="With --json: also key and value, as base64. They are your data.")
def list_(pipeline: str, **options: Any) -> None:  # noqa: ANN401 - click
    """Show where each record stands in Kafka, and why it could not be decoded."""
    letters, *_ = _letters(pipeline, options)
    rows = letters.read(waiting=not options["with_replayed"], with_content=options["content"]).to_pylist()
    if options["as_json"]:
        for row in rows:
            click.echo(json.dumps(row, default=_as_text, ensure_ascii=False))
        return
    for row in rows:
        replayed = "  replayed" if row["replayed_at"] else ""
        place = f"{row['topic']} partition {row['partition']} offset {row['offset']}"
        click.echo(f"{row['rejected_at']:%Y-%m-%d %H:%M:%S}  {place}  {row['code']}: {row['detail']}{replayed}")
    counts = ", ".join(f"{count} {code}" for code, count in Counter(row["code"] for row in rows).most_common())
    click.echo(f"{len(rows)} dead letters: {counts}" if rows else "no dead letters", err=True)


@dead_letters.command("replay")
@click.argument("pipeline")
@project_option
@target_option
def replay(pipeline: str, **options: Any) -> int:  # noqa: ANN401 - click
    """Decode them once more and bring them into their tables. May be repeated, and done while workers run."""
    from engine.runtime.letters import replay_letters
    from engine.spec.project import load_project

    done = replay_letters(load_project(options["project"]), pipeline, options["target"])
    click.echo(f"{done.appended} changes brought in, {done.passed_over} records that change nothing")
    if done.still_dead:
        click.echo(f"{done.still_dead} still cannot be decoded", err=True)
    if done.homeless:
        click.echo(f"{done.homeless} come from topics that the pipeline is not read from", err=True)
    return 1 if done.still_dead or done.homeless else 0


@dead_letters.command("drop")
@click.argument("pipeline")
@project_option
@target_option
@click.option("--replayed", is_flag=True, help="Only those that were replayed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(pipeline: str, **options: Any) -> None:  # noqa: ANN401 - click
    """Delete them. Those that were not replayed are lost for good."""
    letters, *_ = _letters(pipeline, options)
    if not options["replayed"] and not options["yes"]:
        waiting = letters.read(waiting=True, with_content=False).num_rows
        click.confirm(f"{waiting} of them were never replayed and will be lost. Delete all?", abort=True)
    click.echo(f"{letters.drop(replayed_only=options['replayed'])} dead letters deleted")


def _letters(pipeline: str, options: dict[str, Any]) -> tuple[DeadLetters, Project, Pipeline, Target]:
    from engine.runtime.letters import letters_of
    from engine.spec.project import load_project

    root: Path = options["project"]
    project = load_project(root)
    letters, spec, target = letters_of(project, pipeline, options["target"])
    return letters, project, spec, target


def _as_text(value: Any) -> str:  # noqa: ANN401 - times and bytes
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value.isoformat()
