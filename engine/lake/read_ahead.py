"""One part is read while the one before it is written."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class ReadAhead(Iterator[T]):
    """Reads the next of the parts in a thread of its own, and keeps the error that ended them.

    deltalake turns an error of the stream that it writes into one of its own, which tells nothing of the first.
    """

    def __init__(self, parts: Iterator[T]) -> None:
        self._parts = parts
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._next = self._reader.submit(next, parts, None)
        self.error: BaseException | None = None

    def __next__(self) -> T:
        """The next part."""
        try:
            part = self._next.result()
        except BaseException as error:
            self.error = error
            raise
        if part is None:
            raise StopIteration
        self._next = self._reader.submit(next, self._parts, None)
        return part

    def close(self) -> None:
        """Wait for the part that is being read, and drop it."""
        self._reader.shutdown()
