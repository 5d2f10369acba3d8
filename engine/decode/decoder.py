"""A batch of changes becomes one Arrow table with exactly the schema of the change log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

import bson
import pyarrow as pa
import pyarrow.compute as pc

from engine.decode import system_columns
from engine.decode.batch_documents import batch_documents
from engine.decode.bson_columns import can_read, pieces, read_documents
from engine.decode.bson_documents import collector_paused
from engine.decode.decoded import Decoded, joined
from engine.decode.identity import identity_texts
from engine.decode.keeper import Keeper
from engine.decode.log_table import log_table
from engine.decode.partition_values import can_partition
from engine.decode.rules import DecodeRules
from engine.decode.shred import Column, shred
from engine.decode.text_lines import TextLines
from engine.decode.wire_columns import WireReader, reader_for
from engine.source.batch import Batch
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

_CACHED_ROWS = 1000
"""Documents decoded at a time while no new column turns up: few enough to stay in the processor's caches
(100k documents/s of 400 bytes, against 62k/s for 50,000 at once). A new column's type is decided by all of
the batch, so then the batch is decoded whole."""


_WIRE_ROWS = 5000
"""Texts read at a time as whole columns."""
_SAMPLE_ROWS = 1000
"""Documents that are asked first which columns a new table gets."""
_FEW_ROWS = 32
"""Raw documents that are decoded one by one as fast as in columns, or faster."""
_TRIED_ROWS = 500
"""Raw documents read as columns before it shows whether most fit."""


class Decoder:
    """Decodes the batches of one table under the rules of its spec."""

    def __init__(self, rules: DecodeRules | None = None) -> None:
        self._rules = rules or DecodeRules()
        self._reader: WireReader | None = None

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
            if batch.encoding == "extended_json":
                known = columns if columns.fields else self._first_columns(batch, ingested_at)
                return self._decode_texts(batch, known, ingested_at)
            if batch.encoding == "bson" and len(batch) >= _FEW_ROWS and can_read(columns, self._rules):
                return self._decode_raw(batch, columns, ingested_at)
            return self._decode_in_pieces(batch, columns, ingested_at)

    def _first_columns(self, batch: Batch, ingested_at: datetime) -> Struct:
        """The columns of a new table whose documents are as alike as those of a program: a sample's.

        They are what all documents decide on when all fit them as they are. Otherwise none: then all decide, one
        by one.
        """
        if len(batch) < 2 * _SAMPLE_ROWS:
            return Struct({})
        columns = self._decode(batch.slice(0, _SAMPLE_ROWS), Struct({}), ingested_at).columns
        reader = reader_for(batch.documents, columns, None, self._rules.masks)
        if reader is None or not reader.pays:
            return Struct({})
        _, left = reader.sort(TextLines([document for document in batch.documents if document is not None]))
        return Struct({}) if left else columns

    def _decode_texts(self, batch: Batch, columns: Struct, ingested_at: datetime) -> Decoded:
        """Whole columns at once of the documents that the columns hold as they are, row by row of the others."""
        self._reader = reader_for(batch.documents, columns, self._reader, self._rules.masks)
        if self._reader is None or not self._reader.pays:
            return self._decode_in_pieces(batch, columns, ingested_at)
        parts: list[Decoded] = []
        rows: list[int] = []
        others: list[int] = []
        for start in range(0, len(batch), _WIRE_ROWS):
            piece = batch.slice(start, start + _WIRE_ROWS)
            texts = TextLines(piece.documents)
            fitting, left = self._reader.sort(texts)
            chosen = piece.take(fitting) if left else piece
            texts = TextLines(chosen.documents) if left else texts
            part = self._read(chosen, texts, self._reader, ingested_at) if fitting else None
            if part is None:
                others += range(start, start + len(piece))
                continue
            parts.append(part)
            rows += [start + row for row in fitting]
            others += [start + row for row in left]
        return self._with_others(batch, columns, ingested_at, parts, rows, others)

    def _decode_raw(self, batch: Batch, columns: Struct, ingested_at: datetime) -> Decoded:
        """Whole columns at once of the raw documents that the columns can hold, row by row of the others."""
        parts: list[Decoded] = []
        rows: list[int] = []
        others: list[int] = []
        for start, end in pieces(batch.documents, _TRIED_ROWS):
            part, fitting, left = self._read_raw(batch.slice(start, end), columns, ingested_at)
            if fitting:
                parts.append(part)
            rows += [start + row for row in fitting]
            others += [start + row for row in left]
            if len(others) > len(rows):
                others += range(end, len(batch))
                break
        return self._with_others(batch, columns, ingested_at, parts, rows, others)

    def _with_others(
        self,
        batch: Batch,
        columns: Struct,
        ingested_at: datetime,
        parts: list[Decoded],
        rows: list[int],
        others: list[int],
    ) -> Decoded:
        """The parts, which hold these rows of the batch, and the others, which are decoded one by one."""
        if others:
            rest = self._decode_in_pieces(batch.take(others), columns, ingested_at)
            if rest.columns != columns:
                return self._decode(batch, columns, ingested_at)
            parts.append(rest)
        return joined(parts, [*rows, *others] if others else None)

    def _read_raw(self, batch: Batch, columns: Struct, ingested_at: datetime) -> tuple[Decoded, list[int], list[int]]:
        """Raw documents that fit, where they stand in the batch, and where the others do."""
        keeper = Keeper(self._rules, count_leaves(columns))
        read = read_documents(batch.documents, columns, keeper)
        table = log_table(read.built, batch, read.ids, keeper.rescue.texts(len(batch)), ingested_at)
        fits = pa.array(read.fits)
        decoded = Decoded(
            table=table if read.fits.all() else table.filter(fits),
            columns=columns,
            rescued=MappingProxyType(dict(keeper.rescue.counts)),
            widenings=MappingProxyType(keeper.widenings),
        )
        return decoded, pc.indices_nonzero(fits).to_pylist(), pc.indices_nonzero(pc.invert(fits)).to_pylist()

    def _read(self, batch: Batch, texts: TextLines, reader: WireReader, ingested_at: datetime) -> Decoded | None:
        """Documents that all fit, and their texts; None when one is no JSON after all, or cannot be in a partition."""
        keeper = Keeper(self._rules, count_leaves(reader.columns))
        try:
            built, ids = reader.read(texts, keeper)
        except pa.ArrowInvalid:
            return None
        if any(path[0] in built and not _can_partition(built[path[0]], path[0]) for path in self._rules.partitions):
            return None
        return Decoded(
            table=log_table(built, batch, ids, keeper.rescue.texts(len(batch)), ingested_at),
            columns=reader.columns,
            rescued=MappingProxyType(dict(keeper.rescue.counts)),
            widenings=MappingProxyType({}),
        )

    def _decode_in_pieces(self, batch: Batch, columns: Struct, ingested_at: datetime) -> Decoded:
        parts: list[Decoded] = []
        for chunk in batch.chunks(_CACHED_ROWS):
            part = self._decode(chunk, columns, ingested_at)
            if part.columns != columns:
                return self._decode(batch, columns, ingested_at)
            parts.append(part)
        return joined(parts) if parts else self._decode(batch, columns, ingested_at)

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


def _can_partition(column: Column, name: str) -> bool:
    if not isinstance(column.type, Scalar):
        return True
    values = (value for value in column.array.unique().to_pylist() if value is not None)
    return all(can_partition(value, column.type, name) for value in values)


def _rescued_texts(batch: Batch, keeper: Keeper) -> list[str | None]:
    texts = keeper.rescue.texts(len(batch))
    for row, (operation, document) in enumerate(zip(batch.operations, batch.documents, strict=True)):
        if document is None and operation != "d":
            texts[row] = system_columns.NO_IMAGE
    return texts
