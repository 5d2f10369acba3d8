"""How far a change stream source has got, as the integers that are committed with the rows (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.source.batch import Position


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The place between two changes of one collection."""

    snapshot_time: int | None = None
    """Packed cluster time that the snapshot starts from; None before anything was read."""
    snapshot_rows: int = 0
    """Documents of the snapshot read so far."""
    snapshot_done: bool = False
    stream_time: int | None = None
    """Packed cluster time to go on from, inclusive."""
    stream_index: int = 0
    """Changes at exactly that time that are already applied: those of one transaction share their time."""

    @classmethod
    def of(cls, position: Position) -> StreamPosition:
        """Read what was committed."""
        return cls(
            snapshot_time=position.get("snapshot.time"),
            snapshot_rows=position.get("snapshot.rows", 0),
            snapshot_done=bool(position.get("snapshot.done", 0)),
            stream_time=position.get("stream.time"),
            stream_index=position.get("stream.index", 0),
        )

    @property
    def resume_time(self) -> int | None:
        """Packed cluster time that a change stream has to begin at, inclusive; None before anything was read."""
        return self.snapshot_time if self.stream_time is None else self.stream_time

    def as_position(self) -> Mapping[str, int]:
        """What is to be committed."""
        position: dict[str, int] = {"snapshot.rows": self.snapshot_rows, "snapshot.done": int(self.snapshot_done)}
        if self.snapshot_time is not None:
            position["snapshot.time"] = self.snapshot_time
        if self.stream_time is not None:
            position |= {"stream.time": self.stream_time, "stream.index": self.stream_index}
        return position
