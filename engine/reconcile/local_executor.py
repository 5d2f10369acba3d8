"""Reads shares in this process, or in processes of their own on this machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field

from engine.reconcile.kept_chunks import ChunkPlace, KeptChunks
from engine.reconcile.result import Chunk
from engine.reconcile.scan_order import ScanOrder, scan
from engine.telemetry.traces import span, tracing

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Each share is one query, which goes on until the share ends."""

    uri: str = field(repr=False)
    workers: int = 1

    def scan(self, orders: Sequence[ScanOrder], kept: KeptChunks, finished: Callable[[Chunk], None]) -> None:
        """See ``Executor``; with several processes ``finished`` is told of a share's chunks when the share is done."""
        if self.workers == 1:
            for order in orders:
                _carry_out(order, self.uri, kept, finished)
            return
        context = multiprocessing.get_context("spawn")  # a forked child would share connections and threads' locks
        with ProcessPoolExecutor(self.workers, context, _end_with_parent, (os.getpid(),)) as pool:
            futures = [pool.submit(_in_a_process, order, self.uri, kept.place) for order in orders]
            try:
                for future in as_completed(futures):
                    for chunk in future.result():
                        finished(chunk)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _carry_out(order: ScanOrder, uri: str, kept: KeptChunks, finished: Callable[[Chunk], None]) -> None:
    share, is_last = order.share.number, False
    with closing(scan(order, uri)) as scanning:
        while not is_last:
            with span("chunk", (), **{"oplake.share": share}) as told:
                scanned = next(scanning)
                size = {"oplake.documents": scanned.documents, "oplake.bytes": scanned.size_bytes}
                told.tell(**{"oplake.chunk": scanned.number}, **size)
                chunk = kept.keep(share, scanned)
            finished(chunk)
            is_last = scanned.is_last


def _in_a_process(order: ScanOrder, uri: str, place: ChunkPlace) -> list[Chunk]:
    """Its spans go on below the pass."""
    chunks: list[Chunk] = []
    shared = {"oplake.share": order.share.number}
    with tracing("oplake-reconcile"), span("share", [order.trace or ""], **shared), place.opened() as kept:
        _carry_out(order, uri, kept, chunks.append)
    return chunks


def _end_with_parent(parent: int) -> None:
    """A worker whose parent was killed would wait for work for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
