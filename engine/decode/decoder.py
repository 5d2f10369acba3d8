"""A batch of changes becomes one Arrow table with exactly the schema of the change log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import bson
import pyarrow as pa

from engine.decode import system_columns
from engine.decode.batch_documents import batch_documents
from engine.decode.bson_documents import collector_paused
from engine.decode.identity import identity_texts
from engine.decode.keeper import Keeper
from engine.decode.log_table import log_table
from engine.decode.rescue import Reason
from engine.decode.rules import DecodeRules
from engine.decode.shred import shred
from engine.decode.widths import wider
from engine.source.batch import Batch
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

_CACHED_ROWS = 1000
"""Documents decoded at a time while no new column turns up: few enough to stay in the processor's caches
(100k documents/s of 400 bytes, against 62k/s for 50,000 at once). A new column's type is decided by all of
the batch, so then the batch is decoded whole."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One batch as rows of the change log."""

    table: pa.Table
    """Document columns, then ``system_columns.LOG_COLUMNS``; one row a change, in batch order."""
    columns: Struct
    """The document columns: those the table had, then the new ones this batch brings."""
    rescued: Mapping[tuple[str, Reason], int]
    """(column path, reason) -> values kept in ``_rescued``."""
    widenings: Mapping[str, ColumnType]
    """Column path -> the wider type this batch asks for; only under ``on_conflict: widen``."""


class Decoder:
    """Decodes the batches of one table under the rules of its spec."""

    def __init__(self, rules: DecodeRules | None = None) -> None:
        self._rules = rules or DecodeRules()

    def decode(self, batch: Batch, columns: Struct, ingested_at: datetime) -> Decoded:
        """Turn a batch into rows for a table that has these document columns.

        Args:
            batch: documents in either encoding; None where a change has no image.
            columns: the table's document columns now.
            ingested_at: aware; becomes ``_ingested_at`` and, as its UTC day, ``_ingestion_date``.

        Raises:
            TypeConflict: a value does not fit its column and the spec says ``on_conflict: fail``.
        """
        with collector_paused():
            parts: list[Decoded] = []
            for chunk in batch.chunks(_CACHED_ROWS):
                part = self._decode(chunk, columns, ingested_at)
                if part.columns != columns:
                    return self._decode(batch, columns, ingested_at)
                parts.append(part)
            return _joined(parts) if parts else self._decode(batch, columns, ingested_at)

    def _decode(self, batch: Batch, columns: Struct, ingested_at: datetime) -> Decoded:
        keeper = Keeper(self._rules, count_leaves(columns))
        documents, ids = batch_documents(batch, keeper)
        built = shred(documents, columns, keeper)
        return Decoded(
            table=log_table(built, batch, identity_texts(ids), _rescued_texts(batch, keeper), ingested_at),
            columns=Struct({name: column.type for name, column in built.items()}),
            rescued=MappingProxyType(dict(keeper.rescue.counts)),
            widenings=MappingProxyType(keeper.widenings),
        )


def _joined(parts: Sequence[Decoded]) -> Decoded:
    """Put parts with the same columns together again."""
    rescued: Counter[tuple[str, Reason]] = Counter()
    widenings: dict[str, ColumnType] = {}
    for part in parts:
        rescued.update(part.rescued)
        for path, column in part.widenings.items():
            widenings[path] = wider(widenings.get(path, column), column)
    return Decoded(
        table=pa.concat_tables([part.table for part in parts]),
        columns=parts[0].columns,
        rescued=MappingProxyType(dict(rescued)),
        widenings=MappingProxyType(widenings),
    )


def infer(documents: Sequence[bytes], rules: DecodeRules) -> Decoded:
    """Decode a sample of documents into no table at all, to see which columns it would get."""
    count = len(documents)
    keys = [bson.encode({"_id": None})] * count
    batch = Batch(["r"] * count, [""] * count, [0] * count, keys, documents)
    return Decoder(rules).decode(batch, Struct({}), datetime.fromtimestamp(0).astimezone())


def count_leaves(column: ColumnType) -> int:
    """How many leaf columns a type has."""
    match column:
        case Struct(fields):
            return sum(map(count_leaves, fields.values()))
        case ListOf(inner) | MapOf(inner):
            return count_leaves(inner)
        case Scalar():
            return 1


def _rescued_texts(batch: Batch, keeper: Keeper) -> list[str | None]:
    texts = keeper.rescue.texts(len(batch))
    for row, (operation, document) in enumerate(zip(batch.operations, batch.documents, strict=True)):
        if document is None and operation != "d":
            texts[row] = system_columns.NO_IMAGE
    return texts
