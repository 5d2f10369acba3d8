"""A stream of changes to documents that exist: half inserts, two fifths updates, one tenth deletes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from engine.datagen.documents import EDGE_SHARE, DocumentStream
from engine.datagen.kind import Document
from engine.datagen.seeded import Seeded, index_of

ChangeKind: TypeAlias = Literal["insert", "update", "replace", "delete"]

INSERT_SHARE = 0.5
UPDATE_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Change:
    """One write; ``body`` is a document (insert, replace), an update (``{"$set": ...}``) or None (delete)."""

    kind: ChangeKind
    identity: Any
    body: Document | None = None


def changes(
    kind: str, identities: Iterable[Any], count: int, seed: int, edge_cases: float = EDGE_SHARE
) -> Iterator[Change]:
    """Yield ``count`` changes; every living document is as likely to be changed as another.

    ``identities`` are the ``_id``s that the collection holds, in a repeatable order; they are kept in memory
    (about 100 MB a million). New documents are numbered after the last one of this kind and seed, so a second
    run goes on where the first ended.

    Raises:
        UserError: there is no such kind.
    """
    living = list(identities)
    numbers = [number for number in (index_of(one, kind, seed) for one in living) if number is not None]
    first = max(numbers) + 1 if numbers else len(living)
    return _Workload(kind, seed, edge_cases, living, first).run(count)


class _Workload:
    """The documents alive and the next number to give."""

    def __init__(self, kind: str, seed: int, edge_cases: float, living: list[Any], first: int) -> None:
        self._stream = DocumentStream(kind, seed, edge_cases, f"changes/{first}")
        self._seeded = Seeded(seed, f"{kind}/changes/{first}/choice")
        self._living, self._next = living, first

    def run(self, count: int) -> Iterator[Change]:
        for _ in range(count):
            draw = self._seeded.random.random()
            if draw < INSERT_SHARE or not self._living:
                yield self._insert()
            elif draw < INSERT_SHARE + UPDATE_SHARE:
                yield self._update(self._seeded.random.choice(self._living))
            else:
                yield Change("delete", self._remove())

    def _insert(self) -> Change:
        document = self._stream.document(self._next)
        self._next += 1
        self._living.append(document["_id"])
        return Change("insert", document["_id"], document)

    def _update(self, identity: Any) -> Change:  # noqa: ANN401 - an _id is any BSON value
        """Set some fields; an edge case replaces the document or unsets a field instead."""
        if not self._stream.is_edge_case():
            return Change("update", identity, {"$set": self._stream.kind.changed_fields()})
        document = self._stream.document(self._next)
        del document["_id"]
        # Only a name without dots and dollars can be spelled as the path of an update.
        plain = [name for name in document if name and "." not in name and not name.startswith("$")]
        if plain and self._seeded.chance(0.5):
            return Change("update", identity, {"$unset": {self._seeded.random.choice(plain): ""}})
        return Change("replace", identity, document)

    def _remove(self) -> Any:  # noqa: ANN401 - an _id is any BSON value
        """Take one out in constant time: the last takes its place."""
        place = self._seeded.random.randrange(len(self._living))
        last = self._living.pop()
        if place == len(self._living):
            return last
        removed, self._living[place] = self._living[place], last
        return removed
