"""Which application ids have a ``txn`` action in a table.

deltalake 1.6.6 tells the version of an application id it is given, but does not list the ids. So they are
read from the Delta log itself: the last checkpoint and the commits after it, as the protocol lays them out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

from engine.errors import LakeError

_LOG = "_delta_log"
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet")
_READERS = 16
_MARK = '"txn"'


def application_ids(table: DeltaTable) -> frozenset[str]:
    """Every application id with a ``txn`` action up to the table's version.

    Raises:
        LakeError: the log has a checkpoint of a kind that oplake does not read.
    """
    version = table.version()
    files = pafs.PyFileSystem(DeltaStorageHandler.from_table(table._table))
    names = [info.base_name for info in files.get_file_info(pafs.FileSelector(_LOG))]
    checkpoint, parts = _last_checkpoint(names, version)
    commits = [name for name in names if _is_commit(name, after=checkpoint, last=version)]
    if len(commits) != version - checkpoint:
        raise LakeError(
            "the Delta log has a checkpoint that oplake cannot read, or misses a commit",
            where=table.table_uri,
            remedy="have a classic checkpoint written: DeltaTable(uri).create_checkpoint()",
        )
    with ThreadPoolExecutor(_READERS) as readers:
        found = [
            *readers.map(lambda name: _in_commit(files, name), commits),
            *readers.map(lambda name: _in_checkpoint(files, name), parts),
        ]
    return frozenset().union(*found)


def _last_checkpoint(names: Iterable[str], version: int) -> tuple[int, list[str]]:
    """The newest complete checkpoint at or before a version, and its files; version -1 when there is none."""
    parts: dict[tuple[int, int], list[str]] = {}
    for name in names:
        match = _CHECKPOINT.fullmatch(name)
        if match is not None and int(match[1]) <= version:
            parts.setdefault((int(match[1]), int(match[2] or 1)), []).append(name)
    complete = {at: found for (at, wanted), found in parts.items() if len(found) == wanted}
    newest = max(complete, default=-1)
    return newest, complete.get(newest, [])


def _is_commit(name: str, *, after: int, last: int) -> bool:
    match = _COMMIT.fullmatch(name)
    return match is not None and after < int(match[1]) <= last


def _in_commit(files: pafs.FileSystem, name: str) -> frozenset[str]:
    with files.open_input_stream(f"{_LOG}/{name}") as stream:
        text = stream.read().decode()
    actions = (json.loads(line) for line in text.splitlines() if _MARK in line)
    return frozenset(action["txn"]["appId"] for action in actions if "txn" in action)


def _in_checkpoint(files: pafs.FileSystem, name: str) -> frozenset[str]:
    with files.open_input_file(f"{_LOG}/{name}") as stream:
        column = pq.ParquetFile(stream).read(columns=["txn.appId"]).column("txn")
    return frozenset(row["appId"] for row in column.to_pylist() if row and row["appId"])
