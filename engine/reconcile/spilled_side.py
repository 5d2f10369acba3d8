"""The spilled files of a side that was read to its end, merged until they are few.

Each bucket is read out of every file. There is a file for each 200,000 documents and a bucket for each 100,000, so the
number of reads would grow with the square of both. Merged by 64 at a time, as an external sort is, files stay few: each
pair is written once more for 13 million documents, and twice for 800 million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.reconcile.spill import Spill, new_spill, written_durably
from engine.reconcile.spill_folder import SpillFolder
from engine.state.canonical import Json
from engine.state.checkpoints import Checkpoints
from engine.telemetry.crash_points import reach

MOST_FILES = 64
"""Open at a time, of each side."""
_ROWS_AT_ONCE = 200_000


class SpilledSide:
    """Which files hold a side's pairs: one list in the state database, so that a merge counts wholly or not at all."""

    def __init__(self, checkpoints: Checkpoints, folder: SpillFolder, name: str) -> None:
        self._checkpoints = checkpoints
        self._folder = folder
        self._name = name

    def done(self) -> Mapping[str, Any] | None:
        """What was noted when the side was read to its end; None when it was not, or a file is lost: read it again."""
        saved = self._saved()
        return saved["noted"] if saved and all(path.exists() for path in self._paths(saved)) else None

    def save(self, paths: Sequence[Path], noted: Mapping[str, Json], merges: int = 0) -> None:
        """These files hold the whole side; what is noted with them stays when they are merged."""
        self._checkpoints.put(
            self._key, {"files": [path.name for path in paths], "noted": dict(noted), "merges": merges}
        )

    def merged(self, look: Callable[[], None]) -> list[Path]:
        """At most ``MOST_FILES`` files that hold what was saved; goes on where a process was killed.

        Args:
            look: called before each merge; what it raises ends it.

        Raises:
            StateError: the list of files cannot be saved.
        """
        saved = self._saved() or {"files": [], "noted": {}, "merges": 0}
        paths, merges = self._paths(saved), saved["merges"]
        while len(paths) > MOST_FILES:
            look()
            count = min(MOST_FILES, len(paths) - MOST_FILES + 1)
            old, merges = paths[:count], merges + 1
            paths = [*paths[count:], self._folder.merged(self._name, merges)]
            merge(old, paths[-1])
            reach("reconcile.merge.before_list")
            self.save(paths, saved["noted"], merges)
            reach("reconcile.merge.after_list")
            for path in old:
                path.unlink(missing_ok=True)
        return paths

    def _paths(self, saved: Mapping[str, Any]) -> list[Path]:
        return [self._folder.path / name for name in saved["files"]]

    @property
    def _key(self) -> str:
        return f"files:{self._name}"

    def _saved(self) -> dict[str, Any] | None:
        return cast("dict[str, Any] | None", self._checkpoints.get(self._key))


def merge(paths: Sequence[Path], target: Path) -> None:
    """Write one spilled file with the rows of several, a few buckets at a time; durable, or not there at all."""
    spills = [Spill(path) for path in paths]
    starts = np.sum([spill.starts for spill in spills], axis=0)
    with written_durably(target) as stream, new_spill(stream, spills[0].schema, starts) as writer:
        for first, last in _steps(starts):
            rows = pa.concat_tables([spill.rows(first, last) for spill in spills]).combine_chunks()
            buckets = np.concatenate([_buckets(spill.starts, first, last) for spill in spills])
            writer.write_table(rows.take(pa.array(np.argsort(buckets, kind="stable"))).combine_chunks())


def _steps(starts: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Runs of buckets with about as many rows as are held in memory at a time; one bucket at least."""
    first, count = 0, len(starts) - 1
    while first < count:
        last = int(np.searchsorted(starts, starts[first] + _ROWS_AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), count)
        yield first, last
        first = last


def _buckets(starts: npt.NDArray[np.int64], first: int, last: int) -> npt.NDArray[np.int64]:
    """The bucket of each row of such a run."""
    return np.repeat(np.arange(first, last), np.diff(starts[first : last + 1]))
