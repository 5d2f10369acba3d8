"""A process that has one processor, as in a small container: deltalake then has one thread unless told otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from tests.lake.changes import COLUMNS, Change, rows, stored

TABLES, ROUNDS = 48, 3
"""More tables than may write at once, and than deltalake has threads."""
PATIENCE_S = 120.0


def test_tables_are_folded_at_the_same_time_on_one_processor(tmp_path: Path) -> None:
    """Where reads find no thread because writes hold them all, nothing ever ends."""
    command = [sys.executable, "-m", __name__, str(tmp_path)]

    subprocess.run(command, check=True, timeout=PATIENCE_S, cwd=Path(__file__).parents[2])

    for table in range(TABLES):
        found = {row["_id"]: row["n"] for row in stored(str(tmp_path / f"current-{table}"))}
        assert found == {f"k{key}": ROUNDS - 1 for key in range(100)}


def fold_often(folder: Path, table: int) -> None:
    """Append and fold, time after time: each fold but the first reads its log while it writes."""
    log = ChangeLog.create(str(folder / f"changes-{table}"), COLUMNS)
    for number in range(ROUNDS):
        some = [Change(f"k{key}", 1000 * number + key, values={"n": number}) for key in range(100)]
        log.append(rows(some, log.columns()), {"p": number + 1})
        fold_current(log, str(folder / f"current-{table}"))


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with ThreadPoolExecutor(TABLES) as pool:
        list(pool.map(fold_often, [Path(sys.argv[1])] * TABLES, range(TABLES)))
