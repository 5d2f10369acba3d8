"""A seeded stream of writes: inserts, updates, replaces and deletes, with types that clash and new fields."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import Decimal128, Int64, ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

if TYPE_CHECKING:
    from pymongo.collection import Collection

Write: TypeAlias = InsertOne[Any] | UpdateOne | ReplaceOne[Any] | DeleteOne
MOST_DOCUMENTS = 300
MOST_NEW_FIELDS = 60
LATE_S = 1.0
"""A writer that was held up catches up with so much of its rate."""
_CLASHING: list[Any] = ["text", 1, 2.5, Int64(2**60), True, None, [1, "a"], {"in": 1}, Decimal128("1.5")]


class Workload:
    """Writes of one seed: the same seed writes the same documents in the same order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  repeatable, not secret
        self._alive: list[Any] = []
        self._made = 0
        self._new_fields = 0

    def writes(self) -> Iterator[Write]:
        """For ever: one write after the other, to be applied in order."""
        while True:
            yield self._next()

    def _next(self) -> Write:
        draw = self._random.random()
        if not self._alive or (draw < 0.35 and len(self._alive) < MOST_DOCUMENTS):
            return self._insert()
        if draw < 0.45:
            return self._delete()
        identity = self._random.choice(self._alive)
        if draw < 0.60:
            return ReplaceOne({"_id": identity}, self._fields())
        if draw < 0.75:
            return UpdateOne({"_id": identity}, {"$set": {"clash": self._random.choice(_CLASHING)}})
        if draw < 0.80:
            return UpdateOne({"_id": identity}, {"$set": self._new_field()})
        return UpdateOne({"_id": identity}, {"$inc": {"count": 1}, "$set": {"name": self._text()}})

    def _insert(self) -> Write:
        self._made += 1
        identity = self._random.choice([self._made, str(self._made), ObjectId(f"{self._made:024x}")])
        self._alive.append(identity)
        return InsertOne({"_id": identity, **self._fields()})

    def _delete(self) -> Write:
        return DeleteOne({"_id": self._alive.pop(self._random.randrange(len(self._alive)))})

    def _fields(self) -> dict[str, Any]:
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self._random.randrange(10**10))
        fields = {"name": self._text(), "count": self._made, "at": moment, "price": self._random.random()}
        if self._random.random() < 0.3:
            fields["nested"] = {"list": [self._random.randrange(9)], "text": self._text()}
        return fields

    def _new_field(self) -> dict[str, Any]:
        """A column the table does not have; nested every other time."""
        self._new_fields = min(self._new_fields + 1, MOST_NEW_FIELDS)
        inside = "more." if self._new_fields % 2 else ""
        return {f"{inside}field_{self._new_fields}": self._random.choice([1, "text", 2.5, [1], {"a": 1}])}

    def _text(self) -> str:
        return "".join(self._random.choices("abcdefghij é", k=self._random.randrange(30)))


class Writer(threading.Thread):
    """Applies a workload to a collection at a steady rate until told to stop."""

    def __init__(
        self, collection: Collection[Any], seed: int, rate: float, bulk: int = 10, most: float = math.inf
    ) -> None:
        """Nothing is written before ``start`` or ``write``.

        Args:
            rate: writes a second.
            bulk: writes sent at once.
            most: the thread rests when so many are written, until it is given more. Where servers have to start
                meanwhile, a slow machine would otherwise have the more to do the slower it is.
        """
        super().__init__(name=f"writer-{collection.name}", daemon=True)
        self._collection, self._writes = collection, Workload(seed).writes()
        self._rate, self._bulk = rate, bulk
        self._stopped = threading.Event()
        self.most = most
        self.written = 0

    def write(self, count: int) -> None:
        """Apply so many writes now, as fast as the server takes them."""
        self._collection.bulk_write([next(self._writes) for _ in range(count)], ordered=True)
        self.written += count

    def run(self) -> None:
        due = time.monotonic()
        while not self._stopped.is_set():
            if self.written < self.most:
                self.write(self._bulk)
            due = max(due, time.monotonic() - LATE_S) + self._bulk / self._rate
            self._stopped.wait(max(0.0, due - time.monotonic()))

    def finish(self) -> None:
        """Stop writing, and wait until the last write is done."""
        self._stopped.set()
        self.join()
