"""Partitions of which the Kafka client hands on nothing, although the brokers have more of them.

A client can lose its way to a partition whose leader has died, and then says nothing, whatever is written to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

CHECK_EVERY_S = 30.0
"""Of waiting for a partition. A healthy client tells once that it has reached an end, and then nothing."""

Ends = Callable[[Iterable[int]], Mapping[int, int]]


class Silence:
    """How long each partition has been waited for in vain."""

    def __init__(self, starts: Mapping[int, int], ends: Ends, check_every_s: float = CHECK_EVERY_S) -> None:
        """Nothing was waited for yet.

        Args:
            starts: partition -> the offset that it is read from.
            ends: asks the brokers for the offsets behind the last record.
        """
        self._reached = dict(starts)
        self._waited_s = dict.fromkeys(starts, 0.0)
        self._ends = ends
        self._check_every_s = check_every_s
        self._suspected: set[int] = set()

    def stuck(self, heard: Collection[int], waited_s: float, offsets: Mapping[int, int | None]) -> list[int]:
        """Count one read of everything that the client had; partitions that stood still in two checks in a row.

        Args:
            heard: partitions of which anything came, if only their end.
            offsets: where each stands after it.

        Raises:
            SourceUnreachable, SourceError: the brokers do not tell the ends.
        """
        self._suspected.difference_update(heard)
        for partition in self._waited_s:
            self._waited_s[partition] = 0.0 if partition in heard else self._waited_s[partition] + waited_s
        overdue = [partition for partition, waited in self._waited_s.items() if waited >= self._check_every_s]
        if not overdue:
            return []
        self._reached.update({partition: at for partition, at in offsets.items() if at is not None})
        ends = self._ends(overdue)
        behind = {partition for partition in overdue if self._reached[partition] < ends[partition]}
        stuck = sorted(behind & self._suspected)
        self._suspected = (self._suspected - set(overdue)) | behind
        self._waited_s.update(dict.fromkeys(overdue, 0.0))
        return stuck
