"""Whether the table that is held open is still the one that stands at its URI.

A held table commits at the version after its own. When the table was deleted and made anew meanwhile, that version
may be free in the new one too, and rows laid out for the old table would land in it. Delta has no fence for this.
"""

from __future__ import annotations

from collections.abc import Mapping

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from engine.errors import LakeError
from engine.lake.delta_errors import reading
from engine.lake.delta_log import DeltaLog


class TableReplaced(LakeError):
    """The table was deleted, or made anew, while it was held open; what was committed to it went with it.

    Recovery: run again; a new table begins with a snapshot of its collection.
    """

    code = "table-replaced"

    @classmethod
    def at(cls, uri: str, now: str | None) -> TableReplaced:
        """The error for a table in whose place there is now another, or none."""
        what = "deleted and made anew" if now else "deleted"
        remedy = (
            "nothing of this run went into the new table: start it again, with the specs as they are now"
            if now
            else "if that was meant, nothing is to be done; else `oplake apply` makes the table again"
        )
        return cls(f"the table was {what} while it was being written", where=uri, remedy=remedy)


class Standing:
    """Compares the table's last commit, as it was when it was noted, with the file of that name now.

    One small file is read each time; only when it differs is the table opened anew.
    """

    def __init__(self, table: DeltaTable, storage_options: Mapping[str, str]) -> None:
        self._table = table
        self._options = dict(storage_options)
        self._log = DeltaLog(table)
        self.note()

    def note(self) -> None:
        """The table stands at another version since."""
        self._version = self._table.version()
        self._commit = self._read()

    def check(self) -> None:
        """Fail when another table, or none, stands at the URI.

        Raises:
            TableReplaced: it does.
        """
        if self._commit is not None and self._read() == self._commit:
            return
        now = identity_at(self._table.table_uri, self._options)
        if now != str(self._table.metadata().id):
            raise TableReplaced.at(self._table.table_uri, now)

    def _read(self) -> list[str] | None:
        """The commit of the noted version; None when it was cleaned up."""
        with reading(self._table.table_uri):
            try:
                return self._log.lines(self._version)
            except FileNotFoundError:
                return None


def identity_at(uri: str, storage_options: Mapping[str, str]) -> str | None:
    """The identity of the table at a URI; None when there is none."""
    with reading(uri):
        try:
            return str(DeltaTable(uri, storage_options=dict(storage_options)).metadata().id)
        except TableNotFoundError:
            return None
