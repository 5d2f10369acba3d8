"""Carries out the scan of several shares, here or in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from engine.reconcile.result import Chunk
from engine.reconcile.scan_order import Finished, ScanOrder, carry_out
from engine.telemetry.traces import span, tracing

_LOOK_EVERY_S = 1.0


def scan_all(orders: Sequence[ScanOrder], processes: int, finished: Finished) -> Iterator[list[Chunk]]:
    """The chunks of each share, as shares are finished.

    Args:
        orders: one a share.
        processes: how many at a time; with one, everything happens in this process.
        finished: told of each chunk that is read (of whole shares at once, with several processes).
    """
    if processes == 1:
        yield from (carry_out(order, finished) for order in orders)
        return
    context = multiprocessing.get_context("spawn")  # a forked child would share connections and threads' locks
    with ProcessPoolExecutor(processes, context, _end_with_parent, (os.getpid(),)) as pool:
        for future in as_completed([pool.submit(_carry_out_there, order) for order in orders]):
            chunks = future.result()
            for chunk in chunks:
                finished(chunk)
            yield chunks


def _carry_out_there(order: ScanOrder) -> list[Chunk]:
    """In a process of its own, whose spans go on below the pass."""
    with tracing("oplake-reconcile"), span("share", [order.trace or ""], **{"oplake.share": order.share.number}):
        return carry_out(order)


def _end_with_parent(parent: int) -> None:
    """A worker whose parent was killed would wait for work for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
