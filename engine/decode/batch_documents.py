"""The documents of a batch as Python dicts, and the ``_id`` of every row, whichever encoding they came in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from engine.decode.bson_documents import DecodedDocuments, decode_documents
from engine.decode.exact_bson import write_exactly
from engine.decode.identity import tells_all
from engine.decode.json_documents import read_documents
from engine.decode.keeper import Keeper
from engine.decode.masks import REDACTED, apply_masks
from engine.decode.place import DocumentPlace, FieldPlace
from engine.decode.rescue import Reason
from engine.decode.values import BsonValue, Document
from engine.source.batch import Batch, Encoding
from engine.spec.types import Scalar

_ID = "_id"
_ID_PLACE = FieldPlace(DocumentPlace(), _ID)
Reader: TypeAlias = Callable[[Sequence[bytes]], DecodedDocuments]
_READERS: Mapping[Encoding, Reader] = MappingProxyType({"bson": decode_documents, "extended_json": read_documents})


def batch_documents(batch: Batch, keeper: Keeper) -> tuple[list[Document], list[BsonValue]]:
    """Documents (empty where there is none) and ids, one a row; masked, and what no dict tells is kept."""
    read, masks = _READERS[batch.encoding], keeper.rules.masks
    present = [row for row, document in enumerate(batch.documents) if document is not None]
    decoded = read([batch.documents[row] or b"" for row in present])
    apply_masks(decoded.documents, masks, keeper.rules.map_paths)
    for index, raw in decoded.inexact.items():
        keeper.rescue.keep_raw(present[index], write_exactly(decoded.documents[index]) if masks else raw)
    for index, text in decoded.unreadable.items():
        keeper.rescue.keep_text(present[index], REDACTED if masks else text.decode(errors="replace"))
    documents: list[Document] = [{} for _ in range(len(batch))]
    for row, document in zip(present, decoded.documents, strict=True):
        documents[row] = document
    return documents, _ids(batch, documents, read, keeper)


def _ids(batch: Batch, documents: Sequence[Document], read: Reader, keeper: Keeper) -> list[BsonValue]:
    ids = [document.get(_ID) for document in documents]
    for row, value in enumerate(ids):
        if not tells_all(value):
            keeper.keep(value, row, _ID_PLACE, Reason.RETYPED, Scalar.STRING)
    without_id = [row for row, document in enumerate(documents) if _ID not in document]
    keys = [batch.keys[row] for row in without_id]
    for row, key, text in zip(without_id, read(keys).documents, keys, strict=True):
        ids[row] = key[_ID] if _ID in key else text.decode(errors="replace")
    return ids
