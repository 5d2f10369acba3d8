"""The order (``_position``) of the changes that one Kafka partition brings.

Every change of a document is in one partition, in the order in which it happened, and some come twice when Connect
was killed. So the order of a change of the stream is the change's own: the same, however often it comes. What a
snapshot read has no cluster time, and the clock of Connect is not the database's: a row may have waited in a cursor
while its document changed. Such a row stands behind all that the partition brought before it and ahead of all that is
new after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, compress
from operator import le
from typing import Final

from bson import Timestamp

from engine.errors import InternalError
from engine.source.cluster_time import AFTERWARDS, STREAM, order_text, pack, stream_order_texts
from engine.source.debezium import Change

NOTHING_YET: Final = pack(Timestamp(0, 0))
"""``newest`` of a partition that brought no change of the stream yet."""
_OFFSET_BITS, _PARTITION_BITS = 42, 14


class PartitionOrder:
    """Gives the changes of one partition their orders, in the order of their offsets.

    ``newest`` belongs to the position: committed with the rows, it makes a row's order the same when the row is read
    again after a restart.
    """

    def __init__(self, partition: int, newest: int = NOTHING_YET) -> None:
        """``newest``: the packed cluster time of the latest change of the stream before the first one to come."""
        self.newest = newest
        self._partition = partition

    def order(self, change: Change, offset: int) -> str:
        """The order of the change at an offset: 29 characters, or 31 for what a snapshot read.

        Raises:
            InternalError: the partition or the offset is beyond what an order can tell.
        """
        time = change.time
        if time is None:
            return order_text(self.newest, AFTERWARDS, self._place(offset), digits=14)
        self.newest = max(self.newest, time)
        return order_text(time, STREAM, change.number)

    def orders_of(self, times: Sequence[int], numbers: Sequence[int]) -> tuple[list[str], list[str]]:
        """The orders of changes of the stream that follow each other, and those of them that may be known already.

        Args:
            times: their packed cluster times.
            numbers: what tells apart those of one cluster time.
        """
        reached = list(accumulate(times, max, initial=self.newest))
        orders = stream_order_texts(times, numbers)
        self.newest = reached[-1]
        return orders, list(compress(orders, map(le, times, reached)))

    def snapshot_orders(self, offsets: Sequence[int]) -> list[str]:
        """The orders of what a snapshot read, at offsets that follow each other.

        Raises:
            InternalError: the partition or an offset is beyond what an order can tell.
        """
        return [order_text(self.newest, AFTERWARDS, self._place(offset), digits=14) for offset in offsets]

    def _place(self, offset: int) -> int:
        if self._partition >> _PARTITION_BITS or offset >> _OFFSET_BITS:
            raise InternalError(f"partition {self._partition}, offset {offset} do not fit an order")
        return self._partition << _OFFSET_BITS | offset
