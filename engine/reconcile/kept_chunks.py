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
from engine.state.checkpoints import Checkpoints
from engine.state.database import open_database
from engine.telemetry.crash_points import reach


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a share is read."""

    chunks: tuple[Chunk, ...]
    after: bytes | None
    """``{"_id": ...}`` of the last document that is kept, as BSON."""
    is_done: bool


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Where a pass keeps its chunks: a folder and a state database that any process of this machine can open."""

    run: str
    state_url: str = field(repr=False)
    folder: Path

    @contextmanager
    def opened(self) -> Iterator[KeptChunks]:
        """For another process than the one that leads the pass."""
        database = open_database(self.state_url)
        try:
            yield KeptChunks(Checkpoints(database, job_name(self.run)), self)
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
            StateError: the checkpoint cannot be saved.
        """
        write_spill(self.path(share, scanned.number), scanned.content)
        reach("reconcile.chunk.before_checkpoint")
        saved = _saved(scanned)
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

    def path(self, share: int, number: int) -> Path:
        """Where a chunk's pairs are."""
        return spill_path(self.place.folder, share, number)

    def _standing(self, saved: Mapping[str, Any], share: int, with_files: bool) -> Standing:
        chunks: list[Chunk] = []
        after: str | None = None
        is_done = False
        while not is_done:
            number = len(chunks)
            one = saved.get(_key(share, number))
            if one is None or one.get("after", "") != after or (with_files and not self.path(share, number).exists()):
                break  # the next one may be of a scan that ended its chunks elsewhere: it goes on from another document
            chunks.append(_chunk(share, one))
            after, is_done = one["last_key"], one["is_last"]
        return Standing(tuple(chunks), None if after is None else bytes.fromhex(after), is_done)


def spill_path(folder: Path, share: int, number: int) -> Path:
    """Where the pairs of a share's chunk are."""
    return folder / f"source-{share:04d}-{number:06d}.arrow"


def job_name(run: str) -> str:
    """Under which the checkpoints of a run are saved."""
    return f"reconcile:{run}"


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
