"""Raw documents as a table has them, without changes around them: for whoever compares a collection with its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import bson
import pyarrow as pa

from engine.decode import system_columns
from engine.decode.decoder import Decoder
from engine.decode.rescue import Reason
from engine.decode.rules import DecodeRules
from engine.source.batch import Batch
from engine.spec.types import Struct

_NEVER = datetime.fromtimestamp(0, UTC)
_NO_KEY = bson.encode({"_id": None})


@dataclass(frozen=True, slots=True)
class DocumentRows:
    """Documents as rows, in input order."""

    table: pa.Table
    """The document columns, then ``_id`` and ``_rescued`` (both strings): what every table says of a document.

    Of the same documents, columns and rules the change log holds exactly these values, in columns of exactly these
    types; so does a current or history table, once what is noted in ``_rescued`` of rows older than a widening
    (``\\was``) is left aside.
    """
    columns: Struct
    """The document columns: those that were given, in their order, then any that these documents bring."""
    rescued: Mapping[tuple[str, Reason], int]
    """(column path, reason) -> values kept in ``_rescued``."""


def document_rows(documents: Sequence[bytes], columns: Struct, rules: DecodeRules | None = None) -> DocumentRows:
    """Turn whole BSON documents into the rows that a table with these document columns has of them.

    Some thousand documents at a time are best: all of them are in memory, as bytes and as columns.

    Args:
        documents: raw BSON, such as ``RawBSONDocument.raw``; each with an ``_id``. What is no BSON at all becomes a
            row that keeps the bytes.
        columns: the table's document columns now (``system_columns.struct_of`` its schema).
        rules: of the table's spec; masks are applied.

    Raises:
        TypeConflict: a value does not fit its column and the rules say ``on_conflict: fail``.
    """
    count = len(documents)
    batch = Batch(["r"] * count, [""] * count, [0] * count, [_NO_KEY] * count, documents)
    decoded = Decoder(rules).decode(batch, columns, _NEVER)
    names = [*decoded.columns.fields, system_columns.ID.name, system_columns.RESCUED.name]
    return DocumentRows(decoded.table.select(names), decoded.columns, decoded.rescued)
