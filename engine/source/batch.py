"""What a source hands on, whichever transport it reads: changes in order, and where it has got to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal, TypeAlias

from engine.errors import InternalError
from engine.telemetry.traces import MAX_LINKS

Operation: TypeAlias = Literal["r", "c", "u", "d"]
"""r: read by a snapshot, c: insert, u: update or replace, d: delete (Debezium's letters)."""

Encoding: TypeAlias = Literal["bson", "extended_json"]
"""Of keys and documents. Extended JSON is MongoDB's legacy strict form, or v2, as UTF-8 (docs/types.md)."""

Position: TypeAlias = Mapping[str, int]
"""Source partition -> the next thing to read from it. Stored as Delta ``txn`` actions (docs/protocol.md)."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be decoded, as it came, and why. Kept as a dead letter."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """When Kafka or its producer says it was written, since the Unix epoch; -1 when neither does."""
    key: bytes | None
    value: bytes | None
    code: str
    detail: str
    reached: int
    """The packed cluster time that the partition had reached before it: places it should it be decoded one day."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes in source order, column by column, and the position after the last of them.

    The five columns have one entry a change.
    """

    operations: Sequence[Operation] = ()
    orders: Sequence[str] = ()
    """Sorts as the changes of one document happened; unique in the table (becomes ``_position``)."""
    source_times_us: Sequence[int] = ()
    """When the source made each change, microseconds since the Unix epoch."""
    keys: Sequence[bytes] = ()
    """``{"_id": ...}``, encoded."""
    documents: Sequence[bytes | None] = ()
    """The document after the change, encoded; None after a delete, or when its image is gone."""
    position: Position = field(default_factory=dict)
    encoding: Encoding = "bson"
    suspects: frozenset[str] = frozenset()
    """Orders that may be in the table already, or be here twice: the source was told of them again."""
    rejected: Sequence[Rejected] = ()
    """Records between these changes that cannot be decoded; the position is behind them, too."""
    traces: tuple[str, ...] = ()
    """What some of the records carry of their writers' traces, while traces are recorded (W3C ``traceparent``)."""
    counted_bytes: int | None = field(default=None, compare=False, repr=False)
    """``size_bytes``, where it was counted while the changes were collected: it is asked for several times, and each
    time every text would be fetched from memory again."""

    def __len__(self) -> int:
        return len(self.operations)

    def without(self, known: Set[str]) -> Batch:
        """The changes without suspects that are known, and each other suspect once.

        Args:
            known: those of ``suspects`` that are in the table.
        """
        seen = set(known)
        kept: list[int] = []
        for row, order in enumerate(self.orders):
            if order in self.suspects:
                if order in seen:
                    continue
                seen.add(order)
            kept.append(row)
        return replace(self.take(kept), suspects=frozenset())

    @property
    def size_bytes(self) -> int:
        """The bytes of all keys and documents together."""
        if self.counted_bytes is not None:
            return self.counted_bytes
        return sum(map(len, self.keys)) + sum(map(len, filter(None, self.documents)))

    def chunks(self, rows: int) -> Iterator[Batch]:
        """The same changes in pieces of at most so many; each carries the position of the whole."""
        for start in range(0, len(self), rows):
            yield self.slice(start, start + rows)

    def slice(self, start: int, end: int) -> Batch:
        """The changes from one place up to another; the position stays that of the whole."""
        part = slice(start, end)
        return replace(
            self,
            operations=self.operations[part],
            orders=self.orders[part],
            source_times_us=self.source_times_us[part],
            keys=self.keys[part],
            documents=self.documents[part],
            counted_bytes=None,
        )

    def take(self, rows: Sequence[int]) -> Batch:
        """The changes at these places; the position stays that of the whole."""
        return replace(
            self,
            operations=[self.operations[row] for row in rows],
            orders=[self.orders[row] for row in rows],
            source_times_us=[self.source_times_us[row] for row in rows],
            keys=[self.keys[row] for row in rows],
            documents=[self.documents[row] for row in rows],
            counted_bytes=None,
        )

    @classmethod
    def concat(cls, batches: Iterable[Batch]) -> Batch:
        """Join batches that follow each other in one source; positions merge, the later one wins.

        Raises:
            InternalError: batches with changes in different encodings.
        """
        parts = list(batches)
        position: dict[str, int] = {}
        for part in parts:
            position.update(part.position)
        encodings = {part.encoding for part in parts if len(part)} or {part.encoding for part in parts[:1]}
        if len(encodings) > 1:
            raise InternalError("one source gave batches in different encodings")
        return cls(
            operations=list(chain.from_iterable(part.operations for part in parts)),
            orders=list(chain.from_iterable(part.orders for part in parts)),
            source_times_us=list(chain.from_iterable(part.source_times_us for part in parts)),
            keys=list(chain.from_iterable(part.keys for part in parts)),
            documents=list(chain.from_iterable(part.documents for part in parts)),
            position=position,
            encoding=encodings.pop() if encodings else "bson",
            suspects=frozenset().union(*(part.suspects for part in parts)),
            rejected=tuple(chain.from_iterable(part.rejected for part in parts)),
            traces=tuple(chain.from_iterable(part.traces for part in parts))[:MAX_LINKS],
            counted_bytes=sum(part.size_bytes for part in parts),
        )
