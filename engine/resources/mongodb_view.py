"""The source of a target as a plan sees it, over one connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from engine.decode.bson_documents import decode_documents
from engine.decode.column_names import ColumnNames
from engine.decode.decoder import infer
from engine.decode.rescue import Reason
from engine.decode.rules import DecodeRules, rules_of
from engine.decode.values import BsonValue, Document, home_of
from engine.resources.collection import Sample, is_glob
from engine.source import probe
from engine.source.mongo_errors import reading_from
from engine.spec.pipeline import Pipeline
from engine.spec.target import Target
from engine.spec.types import Struct

if TYPE_CHECKING:
    from pymongo import MongoClient

SAMPLE_DOCUMENTS = 1000
_MISFIT = frozenset({Reason.CONFLICT, Reason.OUT_OF_RANGE})
_MIXED = _MISFIT | {Reason.RETYPED}
"""Reasons that mean: values of one field do not all have the type of its column."""


class MongoView:
    """A MongoDB deployment, only read from (``engine.resources.collection.SourceView``)."""

    def __init__(self, client: MongoClient[Any]) -> None:
        self._client = client

    def existing(self, patterns: Sequence[str]) -> Collection[str]:
        """The namespaces that exist and match."""
        wild = [pattern for pattern in patterns if is_glob(pattern)]
        found = set(probe.collections(self._client, wild))
        return found | probe.existing(self._client, set(patterns) - set(wild) - found)

    def stream_problem(self) -> tuple[str, str] | None:
        """What keeps change streams from working, and the remedy."""
        told = probe.can_stream(self._client)
        if told is None:
            return None
        what, _, remedy = told.partition("; ")
        return what, remedy

    def oplog_window_hours(self) -> float | None:
        """Hours of changes that the oplog holds; None where this user may not read it."""
        with reading_from("MongoDB"):
            return probe.oplog_window_hours(self._client)

    def documents(self, namespace: str) -> int | None:
        """About how many documents there are."""
        if not probe.exists(self._client, namespace):
            return None
        return probe.estimated_count(self._client, namespace)

    def sample(self, namespace: str, pipeline: Pipeline) -> Sample:
        """Infer columns as the first batch would."""
        return sample_of(probe.sample(self._client, namespace, SAMPLE_DOCUMENTS), pipeline)


@contextmanager
def open_source(target: Target, timeout_ms: int = probe.CONNECT_TIMEOUT_MS) -> Iterator[MongoView]:
    """Connect to the target's MongoDB; nothing is sent before the first question.

    Raises:
        SourceError: the connection string is wrong.
        UserError: a secret in it is not there.
    """
    with probe.connect(target.mongodb.uri.reveal(), timeout_ms) as client:
        yield MongoView(client)


def sample_of(documents: Sequence[bytes], pipeline: Pipeline) -> Sample:
    """What these documents (BSON) tell under the pipeline's rules for fields."""
    # Whatever the spec says of conflicts, a plan only counts them.
    rules = rules_of(pipeline.table.fields, "rescue")
    decoded = infer(documents, rules)
    mixed = sorted({path for path, reason in decoded.rescued if reason in _MIXED})
    misfits: Counter[str] = Counter()
    for (path, reason), number in decoded.rescued.items():
        misfits[path] += number if reason in _MISFIT else 0
    columns = _with_pins(decoded.columns, rules) if documents else decoded.columns
    return Sample(len(documents), columns, type_counts(documents, mixed), dict(+misfits))


def _with_pins(columns: Struct, rules: DecodeRules) -> Struct:
    """The columns, in the documents' order, then the pinned ones that no document has had yet.

    Before any document is known none is pinned ahead: the order of the columns would be another than the documents',
    and each row would have to note its own. A name that a document has in other capitals is taken, as it is when rows
    are decoded.
    """
    names = ColumnNames(columns.fields, is_top_level=True)
    pins = {path[0]: column for path, column in rules.pins.items() if len(path) == 1 and names.claim(path[0])}
    return Struct({**columns.fields, **pins})


def type_counts(documents: Sequence[bytes], paths: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Dotted path -> BSON type -> how many values have it; paths with only one type are left out."""
    decoded = decode_documents(documents).documents
    counted = {path: _count(decoded, path.split(".")) for path in paths}
    return {path: dict(types) for path, types in counted.items() if len(types) > 1}


def _count(documents: Sequence[Document], path: Sequence[str]) -> Counter[str]:
    values: list[BsonValue] = list(documents)
    for name in path:
        inner = [value for outer in values for value in _elements(outer)]
        values = [value[name] for value in inner if isinstance(value, dict) and name in value]
    return Counter(_type_name(value) for value in values if value is not None)


def _elements(value: BsonValue) -> Iterator[BsonValue]:
    """A value, or what the arrays in it hold."""
    if isinstance(value, list):
        for item in value:
            yield from _elements(item)
    else:
        yield value


def _type_name(value: BsonValue) -> str:
    if isinstance(value, dict):
        return "document"
    if isinstance(value, list):
        return "array"
    home = home_of(value)
    return "other" if home is None else home.value
