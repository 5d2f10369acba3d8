"""The past of one Delta table: its commits, and how its columns came to be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from engine.lake.delta_errors import reading
from engine.lake.delta_log import Action, DeltaLog, commits_between


@dataclass(frozen=True, slots=True)
class Commit:
    """One version of a table. Times are ISO 8601 in UTC; None where the commit does not say."""

    version: int
    at: str | None
    operation: str
    rows_added: int | None
    files_added: int
    files_removed: int


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A commit that changed columns: names and types as Delta writes them."""

    version: int
    at: str | None
    added: Mapping[str, Any]
    removed: Mapping[str, Any]
    retyped: Mapping[str, tuple[Any, Any]]
    """Column -> type before and after."""


class TablePast:
    """What the Delta log of a table still tells."""

    def __init__(self, uri: str, storage_options: Mapping[str, str] | None = None) -> None:
        self._uri = uri
        self._options = dict(storage_options or {})

    def commits(self, before: int | None, count: int) -> list[Commit]:
        """The newest commits, of those before a version, newest first; none of a table that is not there.

        Raises:
            LakeError: the table is there and cannot be read.
        """
        with reading(self._uri):
            log, versions = self._versions()
            if log is None:
                return []
            wanted = [version for version in reversed(versions) if before is None or version < before]
            return [_commit(version, log) for version in wanted[:count]]

    def schema_changes(self) -> list[SchemaChange]:
        """How the columns changed, as far back as the log goes, newest first; raises as ``commits`` does."""
        with reading(self._uri):
            log, versions = self._versions()
            return [] if log is None else list(_changes(log, versions))[::-1]

    def _versions(self) -> tuple[DeltaLog | None, list[int]]:
        try:
            table = DeltaTable(self._uri, storage_options=self._options)
        except TableNotFoundError:
            return None, []
        log = DeltaLog(table)
        return log, commits_between(log.names(), -1, table.version())


def _commit(version: int, log: DeltaLog) -> Commit:
    actions = log.actions(version, "add", "remove", "commitInfo")
    info: Action = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    added = [action["add"] for action in actions if "add" in action]
    told = [json.loads(add.get("stats") or "{}").get("numRecords") for add in added]
    rows = None if None in told else sum(told)
    removed = sum("remove" in action for action in actions)
    return Commit(version, _time(info), str(info.get("operation", "")), rows, len(added), removed)


def _changes(log: DeltaLog, versions: list[int]) -> Iterator[SchemaChange]:
    before: dict[str, Any] = {}
    for version in versions:
        actions = log.actions(version, "metaData", "commitInfo")
        metadata = next((action["metaData"] for action in actions if "metaData" in action), None)
        if metadata is None:
            continue
        fields = json.loads(metadata["schemaString"])["fields"]
        now = {str(field["name"]): field["type"] for field in fields}
        info: Action = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
        added = {name: kind for name, kind in now.items() if name not in before}
        removed = {name: kind for name, kind in before.items() if name not in now}
        retyped = {name: (before[name], kind) for name, kind in now.items() if before.get(name, kind) != kind}
        if added or removed or retyped:
            yield SchemaChange(version, _time(info), added, removed, retyped)
        before = now


def _time(info: Mapping[str, Any]) -> str | None:
    milliseconds = info.get("timestamp")
    if not isinstance(milliseconds, int):
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
