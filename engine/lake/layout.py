"""Where a table's Delta tables live below the lake."""

from __future__ import annotations

from dataclasses import dataclass

HISTORY_PARTITION = "_is_current"
"""Last partition column of every history table: a fold then rewrites the current versions alone."""


@dataclass(frozen=True, slots=True)
class TablePaths:
    """The URIs of one table: ``<lake>/<table>/changes``, ``/current`` and ``/history``."""

    lake_uri: str
    table: str

    @property
    def root(self) -> str:
        """The folder that holds the table's Delta tables."""
        return f"{self.lake_uri.rstrip('/')}/{self.table}"

    @property
    def changes(self) -> str:
        """The change log."""
        return f"{self.root}/changes"

    @property
    def current(self) -> str:
        """One row a document."""
        return f"{self.root}/current"

    @property
    def history(self) -> str:
        """One row a version of a document."""
        return f"{self.root}/history"


def dead_letters_uri(lake_uri: str, pipeline: str) -> str:
    """``<lake>/<pipeline>/_dead_letters``: no table has a folder of that name below its own."""
    return f"{lake_uri.rstrip('/')}/{pipeline}/_dead_letters"
