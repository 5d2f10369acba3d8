"""Which application ids have a ``txn`` action in a table: the last checkpoint's and the later commits'."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deltalake import DeltaTable

from engine.errors import LakeError
from engine.lake.delta_log import DeltaLog, commits_between, last_checkpoint

_READERS = 16


def application_ids(table: DeltaTable) -> frozenset[str]:
    """Every application id with a ``txn`` action up to the table's version.

    Raises:
        LakeError: the log has a checkpoint of a kind that oplake does not read.
    """
    log = DeltaLog(table)
    names = log.names()
    checkpoint, parts = last_checkpoint(names, table.version())
    commits = commits_between(names, checkpoint, table.version())
    if len(commits) != table.version() - checkpoint:
        raise LakeError(
            "the Delta log has a checkpoint that oplake cannot read, or misses a commit",
            where=table.table_uri,
            remedy="have a classic checkpoint written: DeltaTable(uri).create_checkpoint()",
        )

    def in_commit(version: int) -> frozenset[str]:
        return frozenset(action["txn"]["appId"] for action in log.actions(version, "txn"))

    with ThreadPoolExecutor(_READERS) as readers:
        found = [*readers.map(in_commit, commits), *readers.map(log.checkpointed_ids, parts)]
    return frozenset().union(*found)
