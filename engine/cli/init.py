"""``oplake init``: starter specs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from engine.errors import UsageError

DATA_FOLDER = ".oplake/"
"""Where the starter target keeps its lake and its state."""

_COMMANDS = """\
  export OPLAKE_MONGODB_URI='mongodb://...'   # a replica set; see specs/targets/local.yaml
  oplake validate                             # check the specs
  oplake plan                                 # see what apply would do
  oplake apply && oplake run --until-caught-up
  oplake query "select count(*) from users"
"""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
def init(folder: Path) -> None:
    """Write starter specs into FOLDER (default: this one), and the JSON Schemas that editors use.

    Nothing that exists is overwritten.
    """
    from engine.spec.assets import asset_folder

    if (folder / "specs").exists():
        raise UsageError(
            "there are specs already",
            where=str(folder / "specs"),
            remedy="choose an empty folder, or edit what is there",
        )
    written = list(_write_starter(folder, asset_folder("templates") / "init", asset_folder("schemas")))
    if _ignore_data(folder / ".gitignore"):
        written.append(folder / ".gitignore")
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(_next_steps(folder), nl=False)


def _write_starter(folder: Path, starter: Path, schemas: Path) -> Iterator[Path]:
    """Copy the starter specs and the schemas they name; yields what was written."""
    sources = {path: folder / path.relative_to(starter) for path in sorted(starter.rglob("*.yaml"))}
    sources |= {path: folder / "schemas" / path.name for path in sorted(schemas.glob("*.json"))}
    for source, destination in sources.items():
        if destination.exists():
            continue
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, destination)
        yield destination


def _ignore_data(path: Path) -> bool:
    """Keep the local lake and state out of git; whether anything had to be written."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if DATA_FOLDER in text.splitlines():
        return False
    separator = "\n" if text and not text.endswith("\n") else ""
    path.write_text(f"{text}{separator}{DATA_FOLDER}\n", encoding="utf-8")
    return True


def _next_steps(folder: Path) -> str:
    enter = "" if folder.resolve() == Path.cwd() else f"  cd {shlex.quote(str(folder))}\n"
    return f"\nNext:\n{enter}{_COMMANDS}"
