"""The order (``_position``) of a corrective event: behind all that its document was read after, ahead of all newer.

A document that is read at or after cluster time T shows every change up to T. Its event stands at T, in the phase of
what a snapshot read afterwards: it wins over each change at T or before, and loses to each one after T, also to one
that the document showed already when it was read. So it never wins over a newer change, whenever that arrives.
"""

from __future__ import annotations

import time
from typing import Final

from engine.source.cluster_time import AFTERWARDS, order_text

_OFFSET_BITS = 42
NO_PARTITION: Final = (1 << 14) - 1
"""In the place of the Kafka partition: rows of a snapshot that Debezium read are ordered by theirs."""
_EPOCH_2020_MS = 1_577_836_800_000


class RepairOrders:
    """Gives orders that grow with every event, also when the cluster time stands still between two repairs."""

    def __init__(self) -> None:
        self._last = 0

    def order(self, packed: int) -> str:
        """The next order at a packed cluster time: 31 characters. The number is the wall clock in milliseconds."""
        self._last = max(self._last + 1, time.time_ns() // 1_000_000 - _EPOCH_2020_MS)
        return order_text(packed, AFTERWARDS, NO_PARTITION << _OFFSET_BITS | self._last, digits=14)
