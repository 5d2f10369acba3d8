"""Extended JSON texts become Python dicts of BSON values: the same as ``bson_documents`` makes of their BSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from engine.decode.bson_documents import DecodedDocuments
from engine.decode.exact_bson import write_exactly, write_fields
from engine.decode.json_wrappers import integer_of, unwrapped
from engine.decode.values import BsonValue, Document

_NEEDS_PROOF = re.compile(rb"\\u(?:d[89a-f]|0000)", re.IGNORECASE)
"""Half a surrogate pair is no text, and a field's name holds no NUL: such documents prove that BSON can hold them."""


class _Repeated(Exception):
    """A document holds two fields of one name."""


def read_documents(texts: Sequence[bytes]) -> DecodedDocuments:
    """Read whole documents; never raises for what a text contains."""
    documents: list[Document] = []
    inexact: dict[int, bytes] = {}
    unreadable: dict[int, bytes] = {}
    for row, text in enumerate(texts):
        try:
            documents.append(_read(text))
        except _Repeated:
            documents.append(json.loads(text, object_pairs_hook=_last_of_each, parse_int=integer_of))
            inexact[row] = _read_all_fields(text)
        except (ValueError, RecursionError, BSONError):
            documents.append({})
            unreadable[row] = text
    return DecodedDocuments(documents, inexact, unreadable)


def _read(text: bytes) -> Document:
    """One document.

    Raises:
        _Repeated: no dict can stand for it.
        ValueError, BSONError, RecursionError: the text is no document that BSON could hold.
    """
    document = json.loads(text, object_pairs_hook=_fields, parse_int=integer_of)
    if type(document) is not dict:
        raise ValueError("not a document")
    if _NEEDS_PROOF.search(text):
        write_exactly(document)
    return document


def _fields(pairs: list[tuple[str, BsonValue]]) -> BsonValue:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _Repeated
    return unwrapped(document) if pairs and pairs[0][0].startswith("$") else document


def _last_of_each(pairs: list[tuple[str, BsonValue]]) -> BsonValue:
    document = dict(pairs)
    return unwrapped(document) if len(document) == len(pairs) else document


def _read_all_fields(text: bytes) -> bytes:
    """The BSON of a document with repeated names: what no dict can stand for becomes bytes at once."""
    document = json.loads(text, object_pairs_hook=_encoded, parse_int=integer_of)
    return bytes(document.raw)


def _encoded(pairs: list[tuple[str, BsonValue]]) -> BsonValue:
    document = dict(pairs)
    if len(document) == len(pairs) and not any(map(_is_bytes_inside, document.values())):
        return unwrapped(document)
    return RawBSONDocument(write_fields(pairs))


def _is_bytes_inside(value: BsonValue) -> bool:
    return any(map(_is_bytes_inside, value)) if type(value) is list else isinstance(value, RawBSONDocument)
