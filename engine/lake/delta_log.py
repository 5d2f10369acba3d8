"""The files of a table's Delta log, read as the protocol lays them out.

deltalake 1.6.6 lists neither the application ids of a table nor, of a table that others have moved on, the
commits by their right version: ``history`` numbers the newest commits downwards from the table's own version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

_LOG = "_delta_log"
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet")

Action: TypeAlias = Mapping[str, Any]


class DeltaLog:
    """The ``_delta_log`` folder of one table, wherever it is stored."""

    def __init__(self, table: DeltaTable) -> None:
        self._files = pafs.PyFileSystem(DeltaStorageHandler.from_table(table._table))

    def names(self) -> list[str]:
        """All files of the log."""
        return [info.base_name for info in self._files.get_file_info(pafs.FileSelector(_LOG))]

    def lines(self, version: int) -> list[str]:
        """The actions of a commit as JSON texts.

        Raises:
            FileNotFoundError: the commit has been cleaned up, or never was.
        """
        with self._files.open_input_stream(f"{_LOG}/{version:020d}.json") as stream:
            return str(stream.read(), "utf-8").splitlines()

    def actions(self, version: int, *kinds: str) -> list[Action]:
        """The actions of these kinds in a commit.

        Raises:
            FileNotFoundError: the commit has been cleaned up, or never was.
        """
        marks = [f'"{kind}"' for kind in kinds]
        parsed = (json.loads(line) for line in self.lines(version) if any(mark in line for mark in marks))
        return [action for action in parsed if any(kind in action for kind in kinds)]

    def checkpointed_ids(self, name: str) -> frozenset[str]:
        """The application ids in one file of a checkpoint."""
        with self._files.open_input_file(f"{_LOG}/{name}") as stream:
            column = pq.ParquetFile(stream).read(columns=["txn.appId"]).column("txn")
        return frozenset(row["appId"] for row in column.to_pylist() if row and row["appId"])


def last_checkpoint(names: Iterable[str], version: int) -> tuple[int, list[str]]:
    """The newest complete checkpoint at or before a version, and its files; version -1 when there is none."""
    parts: dict[tuple[int, int], list[str]] = {}
    for name in names:
        match = _CHECKPOINT.fullmatch(name)
        if match is not None and int(match[1]) <= version:
            parts.setdefault((int(match[1]), int(match[2] or 1)), []).append(name)
    complete = {at: found for (at, wanted), found in parts.items() if len(found) == wanted}
    newest = max(complete, default=-1)
    return newest, complete.get(newest, [])


def commits_between(names: Iterable[str], after: int, last: int) -> list[int]:
    """The versions of the commits in ``(after, last]`` that the log still has."""
    versions = (int(match[1]) for name in names if (match := _COMMIT.fullmatch(name)))
    return sorted(version for version in versions if after < version <= last)
