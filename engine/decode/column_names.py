"""Which field names can be column names, for Delta and for every engine that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.decode.system_columns import MERGE_PREFIX, RESERVED_NAMES

_PLAIN = re.compile(r"[^\W\d][\w-]*")
"""A letter or underscore, then letters, digits, underscores and hyphens, of any script. Delta without column
mapping refuses `` ,;{}()\n\t=``; a dot or a quote breaks SQL paths; deltalake 1.6.6 reads ``$a`` and ``0`` in a change
feed as a placeholder and a number."""
_MAX_LENGTH = 255


class ColumnNames:
    """The names already taken on one level of a table; names that differ only in case are the same name."""

    def __init__(self, taken: Iterable[str], *, is_top_level: bool) -> None:
        self._taken = {name.casefold() for name in taken}
        self._is_top_level = is_top_level

    def claim(self, name: str) -> bool:
        """Take a name for a new column; False when it cannot be one."""
        folded = name.casefold()
        if len(name) > _MAX_LENGTH or not _PLAIN.fullmatch(name):
            return False
        if folded in self._taken or (self._is_top_level and _is_reserved(folded)):
            return False
        self._taken.add(folded)
        return True

    def release(self, name: str) -> None:
        """Give a claimed name back: its values showed no type, so it got no column."""
        self._taken.remove(name.casefold())

    def __len__(self) -> int:
        return len(self._taken)


def _is_reserved(folded: str) -> bool:
    return folded in RESERVED_NAMES or folded.startswith(MERGE_PREFIX)
