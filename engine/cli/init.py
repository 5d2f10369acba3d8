"""``oplake init``: starter specs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from engine.errors import OperatorError, UsageError

IGNORED = ".oplake/\n"
"""What git should leave alone: the local lake and state."""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
def init(folder: Path) -> None:
    """Write starter specs into FOLDER (default: this one), and the JSON Schemas that editors use.

    Nothing that exists is overwritten.
    """
    files = list(_starter(folder))
    existing = [path for _, path in files if path.exists()]
    if (folder / "specs").exists() or existing:
        raise UsageError(
            "there are specs already" if (folder / "specs").exists() else "a file is in the way",
            where=str(existing[0] if existing else folder / "specs"),
            remedy="`oplake init DIR` writes into another folder; nothing was written",
        )
    try:
        _write(files, folder)
    except OSError as error:
        remedy = "choose a folder that you can write to"
        raise OperatorError(f"cannot write: {error.strerror}", where=str(error.filename), remedy=remedy) from None
    click.echo(_next_steps(folder))


def _starter(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Pairs of a file and where it goes."""
    from engine.spec.assets import asset_folder

    starter = asset_folder("templates") / "init"
    for source in sorted(path for path in starter.rglob("*") if path.is_file()):
        yield source, folder / source.relative_to(starter)
    for source in sorted(asset_folder("schemas").glob("*.json")):
        yield source, folder / "schemas" / source.name


def _write(files: list[tuple[Path, Path]], folder: Path) -> None:
    for source, destination in files:
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, destination)
        click.echo(f"wrote {destination}")
    ignore = folder / ".gitignore"
    if _add_ignored(ignore):
        click.echo(f"wrote {ignore}")


def _add_ignored(ignore: Path) -> bool:
    """Whether anything had to be added; what the file holds already stays."""
    text = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
    if IGNORED.strip() in text.splitlines():
        return False
    separator = "\n" if text and not text.endswith("\n") else ""
    ignore.write_text(text + separator + IGNORED, encoding="utf-8")
    return True


def _next_steps(folder: Path) -> str:
    steps = [
        ("export OPLAKE_MONGODB_URI='mongodb://...'", "a replica set; see specs/targets/local.yaml"),
        ("oplake generate users --count 1000", "something to look at, in the database `shop`"),
        ("oplake validate", "check the specs"),
        ("oplake plan", "see what apply would do"),
        ("oplake apply", "do it"),
        ("oplake run --until-caught-up", "move the documents"),
        ('oplake query "select count(*) from users"', ""),
    ]
    if folder != Path():
        steps.insert(0, (f"cd {shlex.quote(str(folder))}", ""))
    width = max(len(command) for command, _ in steps)
    return "\nNext:\n" + "\n".join(
        f"  {command:{width}}  {f'# {why}' if why else ''}".rstrip() for command, why in steps
    )
