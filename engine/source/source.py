"""What the runtime asks of a source, whichever transport it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from engine.source.batch import Batch, Position


class Source(Protocol):
    """The changes of one table from a committed position on; lives as long as its log is held open."""

    @property
    def position(self) -> Position:
        """Where it stands: only what is this reader's to move, of all that is committed."""

    @property
    def is_shared(self) -> bool:
        """Whether other workers may append to the same log meanwhile."""

    @property
    def may_fold(self) -> bool:
        """Whether the fold of the table is this reader's."""

    @property
    def caught_up(self) -> bool:
        """Whether all that had happened when this was first asked is read, or committed by others."""

    @property
    def own_part_read(self) -> bool:
        """Whether of all that ``caught_up`` waits for this reader's own part is read; asks nobody."""

    @property
    def lag_seconds(self) -> float | None:
        """How far what was read is behind the clock; None while unknown."""

    @property
    def lag_events(self) -> Mapping[int, int]:
        """Partition that is ours -> records in it not read yet, as far as known."""

    @property
    def is_assigned(self) -> bool:
        """Whether it is settled which partitions are ours, none perhaps."""

    @property
    def oplog_window_s(self) -> float | None:
        """Age of the oplog's oldest entry; None while unknown."""

    def poll(self, timeout_s: float, max_rows: int, max_bytes: int) -> Batch:
        """The next changes, perhaps none, and the position after them."""

    def acknowledge(self, position: Position) -> None:
        """Hear that a position is committed. For whoever watches; nothing is ever resumed from it."""

    def close(self) -> None:
        """Give back what only this source holds."""
