"""Changes on their way into a batch."""

from __future__ import annotations

from collections.abc import Sequence

from engine.source.batch import Batch, Encoding, Operation, Position, Rejected


class Pending:
    """Collects changes, column by column, up to a bound."""

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._bytes = 0
        self._operations: list[Operation] = []
        self._orders: list[str] = []
        self._times: list[int] = []
        self._keys: list[bytes] = []
        self._documents: list[bytes | None] = []

    def __len__(self) -> int:
        return len(self._operations)

    @property
    def is_full(self) -> bool:
        """Whether a bound is reached."""
        return len(self._operations) >= self._max_rows or self._bytes >= self._max_bytes

    @property
    def size_bytes(self) -> int:
        """The bytes of all keys and documents together."""
        return self._bytes

    @property
    def last_key(self) -> bytes | None:
        """The key of the newest change."""
        return self._keys[-1] if self._keys else None

    def add(self, operation: Operation, order: str, time_us: int, key: bytes, document: bytes | None) -> None:
        """Add one change after the others."""
        self._operations.append(operation)
        self._orders.append(order)
        self._times.append(time_us)
        self._keys.append(key)
        self._documents.append(document)
        self._bytes += len(key) + (len(document) if document is not None else 0)

    def extend(
        self,
        operations: Sequence[Operation],
        orders: Sequence[str],
        times_us: Sequence[int],
        keys: Sequence[bytes],
        documents: Sequence[bytes],
    ) -> None:
        """Add changes that all have a document, column by column."""
        self._operations += operations
        self._orders += orders
        self._times += times_us
        self._keys += keys
        self._documents += documents
        self._bytes += sum(map(len, keys)) + sum(map(len, documents))

    def batch(
        self,
        position: Position,
        *,
        encoding: Encoding = "bson",
        suspects: frozenset[str] = frozenset(),
        rejected: Sequence[Rejected] = (),
    ) -> Batch:
        """What was collected, and the position after it."""
        return Batch(
            self._operations,
            self._orders,
            self._times,
            self._keys,
            self._documents,
            position,
            encoding,
            suspects=suspects,
            rejected=rejected,
            counted_bytes=self._bytes,
        )
