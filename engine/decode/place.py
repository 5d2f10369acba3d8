"""Where in a batch the values of a column come from: from an index in the column to a row and a path.

Columns are built whole; a place is asked only about the few values that go to ``_rescued``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence

from engine.decode.rescue import join_path


class Place(ABC):
    """A column under construction."""

    column_path: tuple[str, ...]
    """Field names from the top; lists and maps add nothing. Pins and masks are found by it."""
    depth: int
    """Containers above these values: 0 for the fields of the document itself."""

    @abstractmethod
    def locate(self, index: int) -> tuple[int, str | None]:
        """The row and the dotted path of the value at an index of the column (None: the document itself)."""

    @property
    def column(self) -> str:
        """The column path as text."""
        return ".".join(self.column_path)


class DocumentPlace(Place):
    """The documents of the batch themselves."""

    column_path = ()
    depth = 0

    def locate(self, index: int) -> tuple[int, str | None]:
        """Row and path."""
        return index, None


class FieldPlace(Place):
    """One field of documents that stand at ``parent``."""

    def __init__(self, parent: Place, name: str) -> None:
        self.column_path = (*parent.column_path, name)
        self.depth = parent.depth
        self._parent = parent
        self.name = name

    def locate(self, index: int) -> tuple[int, str | None]:
        """Row and path."""
        row, prefix = self._parent.locate(index)
        return row, join_path(prefix, self.name)


class InnerPlace(Place):
    """The elements of arrays, or the values of maps, that stand at ``parent``, one after the other."""

    def __init__(self, parent: Place, starts: Sequence[int], keys: Sequence[str] | None = None) -> None:
        self.column_path = parent.column_path
        self.depth = parent.depth + 1
        self._parent = parent
        self._starts = starts
        self._keys = keys

    def locate(self, index: int) -> tuple[int, str | None]:
        """Row and path."""
        container = bisect_right(self._starts, index) - 1
        row, prefix = self._parent.locate(container)
        name = str(index - self._starts[container]) if self._keys is None else self._keys[index]
        return row, join_path(prefix, name)


class DocumentsPlace(Place):
    """Documents that stand in the column at ``parent``: one level deeper, at the same index and path."""

    def __init__(self, parent: Place) -> None:
        self.column_path = parent.column_path
        self.depth = parent.depth + 1
        self._parent = parent

    def locate(self, index: int) -> tuple[int, str | None]:
        """Row and path."""
        return self._parent.locate(index)
