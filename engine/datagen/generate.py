"""The two things ``oplake generate`` does: fill a collection or a file, and change a collection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bson import encode
from bson.codec_options import CodecOptions, DatetimeConversion

from engine.datagen.changes import changes
from engine.datagen.documents import EDGE_SHARE, documents
from engine.datagen.kind import Document
from engine.datagen.writing import BATCH_DOCUMENTS, Progress, apply_changes, insert_documents, translated

if TYPE_CHECKING:
    from pymongo.collection import Collection


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to generate: everything that decides the bytes, and the size of a bulk (documents)."""

    kind: str
    seed: int
    edge_cases: float = EDGE_SHARE
    batch: int = BATCH_DOCUMENTS


def fill_collection(
    collection: Collection[Document], recipe: Recipe, count: int, progress: Progress = lambda _: None
) -> int:
    """Insert the first ``count`` documents of the recipe; returns ``count``.

    Raises:
        UserError: unknown kind, or the documents are there already.
        SourceError: the server refused or could not be reached.
    """
    stream = documents(recipe.kind, count, recipe.seed, recipe.edge_cases)
    return insert_documents(collection, stream, recipe.batch, progress)


def change_collection(
    collection: Collection[Document],
    recipe: Recipe,
    count: int,
    rate: float | None = None,
    progress: Progress = lambda _: None,
) -> int:
    """Apply ``count`` changes to whatever the collection holds, at most ``rate`` a second; returns ``count``.

    Raises as ``fill_collection`` does.
    """
    with translated(collection):
        identities = list(_identities(collection))
    stream = changes(recipe.kind, identities, count, recipe.seed, recipe.edge_cases)
    return apply_changes(collection, stream, recipe.batch, rate, progress)


def write_file(path: Path, recipe: Recipe, count: int, progress: Progress = lambda _: None) -> int:
    """Write ``count`` documents one after the other as BSON, as mongodump does; returns the bytes written."""
    size = 0
    with path.open("wb") as file:
        for document in documents(recipe.kind, count, recipe.seed, recipe.edge_cases):
            size += file.write(encode(document))
            progress(1)
    return size


def _identities(collection: Collection[Document]) -> Iterator[Any]:
    """Every ``_id`` in index order, so that the same collection gives the same changes."""
    codec: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
    cursor = collection.with_options(codec).find({}, {"_id": 1}).sort("_id", 1)
    return (document["_id"] for document in cursor)
