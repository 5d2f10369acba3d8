"""MongoDB's cluster time as an integer that fits a Delta ``txn`` version, and as sortable text.

A BSON timestamp is 32 bits of seconds since 1970 and 32 bits of increment. A ``txn`` version is a signed 64-bit
integer, so seconds are counted from 2020: that fits until 2088.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from bson import Timestamp

EPOCH_2020 = 1_577_836_800
SECONDS_SHIFT = 32
_INCREMENT_MASK = (1 << SECONDS_SHIFT) - 1
_PACKED_2020 = EPOCH_2020 << SECONDS_SHIFT
_HEX_BITS = 4
_STREAM_BITS = 12 * _HEX_BITS
_STREAM_SHIFT = _STREAM_BITS + _HEX_BITS

SNAPSHOT: Literal["0"] = "0"
STREAM: Literal["1"] = "1"
AFTERWARDS: Literal["2"] = "2"
"""The phase inside ``order_text``: at one cluster time, what the snapshot read is older than what changed; what a
later snapshot read is newer."""


def pack(time: Timestamp) -> int:
    """A cluster time as one integer that sorts as the times do."""
    return pack_parts(time.time, time.inc)


def pack_parts(seconds: int, increment: int) -> int:
    """As ``pack``, from seconds since 1970 and the increment."""
    return (seconds - EPOCH_2020) << SECONDS_SHIFT | increment


def unpack(packed: int) -> Timestamp:
    """The inverse of ``pack``."""
    return Timestamp((packed >> SECONDS_SHIFT) + EPOCH_2020, packed & _INCREMENT_MASK)


def unix_seconds(packed: int) -> int:
    """Seconds since 1970 of a packed cluster time."""
    return (packed >> SECONDS_SHIFT) + EPOCH_2020


def order_text(packed: int, phase: Literal["0", "1", "2"], number: int, digits: int = 12) -> str:
    """The ``_position`` of a change: 29 characters (17 and the number's) that sort as changes happened.

    Delta keeps the first 32 characters of text in its file statistics, so these stay exact.

    Args:
        packed: the cluster time of the change; for the snapshot, the time it is a snapshot of.
        phase: ``SNAPSHOT``, ``STREAM`` or ``AFTERWARDS``.
        number: counts the rows of the snapshot, or the changes that share the cluster time.
        digits: of the number; the same for all orders of one phase.
    """
    # One number is written in half the time of three.
    high = (packed + _PACKED_2020) << _HEX_BITS | int(phase)
    return f"{high << _HEX_BITS * digits | number:0{17 + digits}x}"


def stream_order_texts(packed: Iterable[int], numbers: Iterable[int]) -> list[str]:
    """``order_text`` of many changes of the stream, each told apart by its number of at most 48 bits."""
    phase = int(STREAM) << _STREAM_BITS
    return [
        f"{(time + _PACKED_2020) << _STREAM_SHIFT | phase | number:029x}"
        for time, number in zip(packed, numbers, strict=True)
    ]
