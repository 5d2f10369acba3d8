"""Whether the table that is held open is still the one that stands at its URI.

A held table commits at the version after its own. When the table was deleted and made anew meanwhile, that version
may be free in the new one too, and rows laid out for the old table would land in it. Delta has no fence for this.
"""

from __future__ import annotations

from collections.abc import Mapping

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from engine.errors import CommitConflict, LakeError
from engine.lake.delta_errors import StoreSilent, reading
from engine.lake.delta_log import DeltaLog
from engine.spec.target import S3


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
        kind = TableMissing if now is None and uri.startswith(S3) else cls
        return kind(f"the table was {what} while it was being written", where=uri, remedy=remedy)


class TableMissing(TableReplaced, StoreSilent):
    """The table is not there, says a store of several hosts, one of which may have been away when it was written.

    Recovery: ask again; when the answer stays, as for a table that was deleted.
    """


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
        """Fail when another table, or none, stands at the URI, or another commit in the place of the noted one.

        Raises:
            TableReplaced: another table, or none.
            CommitConflict: another commit, which a store without conditional puts lets happen.
        """
        commit = self._read()
        if commit is not None and commit == self._commit:
            return
        now = identity_at(self._table.table_uri, self._options)
        if now != str(self._table.metadata().id):
            raise TableReplaced.at(self._table.table_uri, now)
        if commit is not None and self._commit is not None:
            raise CommitConflict(
                f"commit {self._version} was overwritten by another one, so what it held is no part of the table",
                where=self._table.table_uri,
                remedy="open the table again and go on from its committed position; "
                "then find out why the store overwrites an object that is to be put only where there is none",
            )

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
