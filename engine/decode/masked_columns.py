"""Masks put on whole columns: the same answer as ``masks`` gives document by document.

Columns are masked after they are read and before anything of them is kept, so only texts can be: what else a masked
field may hold has no place in its column, which holds hashes or stars.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from engine.decode.masks import REDACTED
from engine.spec.types import ColumnType, ListOf, Scalar, Struct

_ID = "_id"


def can_mask(columns: Struct, masks: Mapping[tuple[str, ...], str]) -> bool:
    """Whether these masks can be put on whole columns of texts.

    Not where a field is dropped, which may stand anywhere in a document and has no column; nor where the ``_id`` is
    masked, which is no column of its own.
    """
    return all(
        mask != "drop" and path[0] != _ID and _column_at(columns, path) in (None, Scalar.STRING)
        for path, mask in masks.items()
    )


def masked(array: pa.Array, mask: str) -> pa.Array:
    """A column of texts under ``sha256`` or ``redact``; null stays null."""
    if mask == "redact":
        return pc.if_else(array.is_valid(), REDACTED, pa.scalar(None, pa.string()))
    encoded = array.dictionary_encode()
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in encoded.dictionary.to_pylist()]
    return pa.array(hashes, pa.string()).take(encoded.indices)


def _column_at(column: ColumnType, path: tuple[str, ...]) -> ColumnType | None:
    """The column that a path names, through arrays as in MongoDB; None when there is none.

    Documents that hold a map are never read as whole columns, so nothing is looked for in one.
    """
    if isinstance(column, ListOf) and path:
        return _column_at(column.element, path)
    if not path:
        return column
    child = column.fields.get(path[0]) if isinstance(column, Struct) else None
    return None if child is None else _column_at(child, path[1:])
