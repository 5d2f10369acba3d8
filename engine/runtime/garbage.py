"""How often CPython's cycle collector looks through what a process that runs tables holds."""

from __future__ import annotations

import gc

_MADE_BEFORE_A_LOOK = 100_000
"""More than reading one batch from Kafka leaves standing at a time: a few for each record of one read."""


def look_for_garbage_rarely() -> None:
    """Leave what is loaded by now to itself, and look through the rest once much has been made.

    Batches are large and hold no cycles. By its own measure the collector looks through them, and through all modules
    too (0.1 s), after every few ten thousand events: a seventh of a worker's processor time went there.
    """
    gc.freeze()
    gc.set_threshold(_MADE_BEFORE_A_LOOK)
