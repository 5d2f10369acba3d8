"""A stream of documents: the first n of a longer stream are the same n."""

from __future__ import annotations

from collections.abc import Iterator

from engine.datagen.edge_cases import bend
from engine.datagen.kind import Document, Kind
from engine.datagen.kinds import make_kind
from engine.datagen.seeded import Seeded, object_id

EDGE_SHARE = 0.2
"""Eighty common documents, twenty edge cases."""


class DocumentStream:
    """Makes documents of one kind one after the other; edge cases draw from a source of their own.

    So the common documents of a seed are the same whatever the share of edge cases.
    """

    def __init__(self, kind: str, seed: int, edge_cases: float, stream: str = "documents") -> None:
        self._name, self._seed, self._share = kind, seed, edge_cases
        self._edges = Seeded(seed, f"{kind}/{stream}/edges")
        self.kind: Kind = make_kind(kind, Seeded(seed, f"{kind}/{stream}"))

    def document(self, index: int) -> Document:
        """Document ``index``, its ``_id`` first; an edge case in ``edge_cases`` of the calls."""
        document: Document = {"_id": object_id(self._name, self._seed, index)}
        document.update(self.kind.document(index))
        if self.is_edge_case():
            bend(document, self._edges.random)
        return document

    def is_edge_case(self) -> bool:
        """Draw whether the next thing is an edge case."""
        return self._edges.chance(self._share)


def documents(kind: str, count: int, seed: int, edge_cases: float = EDGE_SHARE) -> Iterator[Document]:
    """Yield ``count`` documents; the same arguments yield the same BSON bytes in every process.

    Raises:
        UserError: there is no such kind.
    """
    stream = DocumentStream(kind, seed, edge_cases)
    return (stream.document(index) for index in range(count))
