"""``oplake generate``: seeded documents and changes into a collection, or documents into a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from engine.cli.options import project_option, target_option
from engine.errors import UsageError

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from engine.datagen.generate import Recipe

CONNECT_TIMEOUT_MS = 10_000
Progress: TypeAlias = Callable[[int], None]


@click.command()
@click.argument("kind")
@click.option("--count", type=click.IntRange(0), help="Insert this many documents.")
@click.option("--changes", type=click.IntRange(0), help="Then apply this many inserts, updates and deletes.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="At most this many changes a second.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option(
    "--edge-cases",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of documents with missing fields, nulls, mixed types, odd keys and the like.",
)
@click.option("--batch", type=click.IntRange(1, 50_000), default=10_000, show_default=True, help="Writes in one bulk.")
@click.option("--uri", help="MongoDB to write to; without it the project's target decides.")
@target_option
@project_option
@click.option("--database", default="shop", show_default=True, help="Database to write to.")
@click.option("--collection", help="Collection to write to; the default is the kind's name.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the documents to this file as BSON, not to MongoDB.",
)
def generate(kind: str, count: int | None, changes: int | None, **options: Any) -> None:  # noqa: ANN401 - click
    """Generate documents of KIND: users, orders, or one that an installed distribution adds."""
    from engine.datagen.generate import Recipe

    recipe = Recipe(kind, options["seed"], options["edge_cases"], options["batch"])
    if count is None and changes is None:
        raise UsageError("nothing to generate", remedy="add --count N, --changes N or both")
    if options["out"] is not None:
        if changes is not None:
            raise UsageError("changes need a collection", remedy="leave out --changes or --out")
        return _to_file(options["out"], recipe, count or 0)
    with _collection(options, kind) as collection:
        _to_collection(collection, recipe, count, changes, options["rate"])
    return None


def _to_file(path: Path, recipe: Recipe, count: int) -> None:
    from engine.datagen.generate import write_file

    with _progress(count, f"{recipe.kind} to {path}") as advance:
        size = write_file(path, recipe, count, advance)
    click.echo(f"wrote {size:,} bytes to {path}", err=True)


def _to_collection(
    collection: Collection[Any], recipe: Recipe, count: int | None, changes: int | None, rate: float | None
) -> None:
    from engine.datagen.generate import change_collection, fill_collection

    if count is not None:
        with _progress(count, f"documents into {collection.full_name}") as advance:
            fill_collection(collection, recipe, count, advance)
    if changes is not None:
        with _progress(changes, f"changes to {collection.full_name}") as advance:
            change_collection(collection, recipe, changes, rate, advance)


@contextmanager
def _collection(options: dict[str, Any], kind: str) -> Iterator[Collection[Any]]:
    """Connect as the options say; the URI stays out of every message, it may hold a password."""
    from pymongo import MongoClient
    from pymongo.errors import ConfigurationError, InvalidURI

    uri, place = _uri(options)
    try:
        client: MongoClient[Any] = MongoClient(uri, serverSelectionTimeoutMS=CONNECT_TIMEOUT_MS)
    except (ConfigurationError, InvalidURI) as error:
        raise UsageError(
            f"the MongoDB URI is not valid ({type(error).__name__})",
            where=place,
            remedy="it looks like mongodb://user:password@host:27017/?replicaSet=rs0, "
            "special characters percent-encoded",
        ) from None
    with client:
        yield client[options["database"]][options["collection"] or kind]


def _uri(options: dict[str, Any]) -> tuple[str, str]:
    """The URI and where it came from."""
    if options["uri"] is not None:
        return options["uri"], "--uri"
    from engine.spec.project import load_project

    target = load_project(options["project"]).target(options["target"])
    return target.mongodb.uri.reveal(), f"target {target.target}"


@contextmanager
def _progress(total: int, what: str) -> Iterator[Progress]:
    """A bar on a terminal; everywhere one line at the end with the rate."""
    started = time.monotonic()
    if sys.stderr.isatty():
        with _bar(total, what) as advance:
            yield advance
    else:
        yield lambda _: None
    seconds = time.monotonic() - started
    click.echo(f"{total:,} {what} in {seconds:.1f} s ({total / max(seconds, 1e-9):,.0f}/s)", err=True)


@contextmanager
def _bar(total: int, what: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
