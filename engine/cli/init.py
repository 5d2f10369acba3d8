"""``oplake init``: starter specs."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from engine.errors import UsageError


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
    starter = asset_folder("templates") / "init"
    sources = sorted(path for path in starter.rglob("*") if path.is_file())
    written = [_copy(source, folder / source.relative_to(starter)) for source in sources]
    written += [_copy(path, folder / "schemas" / path.name) for path in sorted(asset_folder("schemas").glob("*.json"))]
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(
        "\nNext:\n"
        "  export OPLAKE_MONGODB_URI='mongodb://...'   # a replica set; see specs/targets/local.yaml\n"
        "  oplake validate                             # check the specs\n"
        "  oplake plan                                 # see what apply would do\n"
        "  oplake apply && oplake run --until-caught-up\n"
        '  oplake query "select count(*) from users"'
    )


def _copy(source: Path, destination: Path) -> Path:
    destination.parent.mkdir(parents=True, exist_ok=True)
    if not destination.exists():
        shutil.copyfile(source, destination)
    return destination
