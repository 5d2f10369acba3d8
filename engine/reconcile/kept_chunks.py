"""The chunks of a pass that are finished: each a file, and then a checkpoint, so that none is read or counted twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.reconcile.result import Chunk
from engine.reconcile.source_scan import ScannedChunk
from engine.reconcile.spill import write_spill
from engine.reconcile.spill_folder import SpillFolder
from engine.state.checkpoints import Checkpoints
from engine.state.database import Database, open_database
from engine.state.tenure import Tenure
from engine.telemetry.crash_points import reach


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a share is read."""

    chunks: tuple[Chunk, ...]
    files: tuple[Path, ...]
    """One of each chunk."""
    after: bytes | None
    """``{"_id": ...}`` of the last document that is kept, as BSON."""
    is_done: bool


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a pass keeps its chunks: a folder and a state database that any process of this machine can open."""

    hold: Tenure
    """Of the process that leads the pass: what others write for it counts while it is held."""
    state_url: str = field(repr=False)
    folder: SpillFolder

    @contextmanager
    def opened(self) -> Iterator[KeptChunks]:
        """For another process than the one that leads the pass."""
        database = open_database(self.state_url)
        try:
            yield KeptChunks(checkpoints_of(database, self.hold), self)
        finally:
            database.close()


class KeptChunks:
    """The finished chunks of one pass."""

    def __init__(self, checkpoints: Checkpoints, place: ChunkPlace) -> None:
        self._checkpoints = checkpoints
        self.place = place

    def keep(self, share: int, scanned: ScannedChunk) -> Chunk:
        """Keep one; it is durable when this returns, and the same one again changes nothing.

        Raises:
            PassTaken: another process has the pass in hand by now.
            StateError: the checkpoint cannot be saved.
        """
        path = self.place.folder.chunk(share, scanned.number)
        write_spill(path, scanned.content)
        reach("reconcile.chunk.before_checkpoint")
        saved = {**_saved(scanned), "file": path.name}
        self._checkpoints.put(_key(share, scanned.number), saved)
        reach("reconcile.chunk.after_checkpoint")
        return _chunk(share, saved)

    def standings(self, shares: int, *, with_files: bool = True) -> list[Standing]:
        """How far each share is.

        Args:
            shares: how many there are.
            with_files: a chunk counts only when its own file is here; not so once files are merged.
        """
        saved = self._checkpoints.all()
        return [self._standing(saved, share, with_files) for share in range(shares)]

    def _standing(self, saved: Mapping[str, Any], share: int, with_files: bool) -> Standing:
        chunks: list[Chunk] = []
        files: list[Path] = []
        after: str | None = None
        is_done = False
        while not is_done:
            number = len(chunks)
            one = saved.get(_key(share, number))
            if one is None or "file" not in one or one["after"] != after:
                break  # it may be of a scan that ended its chunks elsewhere: it goes on from another document
            files.append(self.place.folder.path / one["file"])
            if with_files and not files[-1].exists():
                break
            chunks.append(_chunk(share, one))
            after, is_done = one["last_key"], one["is_last"]
        return Standing(tuple(chunks), tuple(files), None if after is None else bytes.fromhex(after), is_done)


def job_name(run: str) -> str:
    """Under which the checkpoints of a run are saved."""
    return f"reconcile:{run}"


def checkpoints_of(database: Database, hold: Tenure) -> Checkpoints:
    """Those of a pass; they can be saved while it is held."""
    return Checkpoints(database, job_name(hold.run), hold.renew)


def _key(share: int, number: int) -> str:
    return f"source:{share}:{number}"


def _saved(chunk: ScannedChunk) -> dict[str, Any]:
    return {
        "number": chunk.number,
        "documents": chunk.documents,
        "size_bytes": chunk.size_bytes,
        "seconds": round(chunk.seconds, 3),
        "after": chunk.after.hex() if chunk.after else None,
        "last_key": chunk.last_key.hex() if chunk.last_key else None,
        "is_last": chunk.is_last,
    }


def _chunk(share: int, saved: Mapping[str, Any]) -> Chunk:
    return Chunk(share, saved["number"], saved["documents"], saved["size_bytes"], saved["seconds"])
