"""Reads shares in this process, or in processes of their own on this machine."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, field

from engine.reconcile.kept_chunks import ChunkPlace, KeptChunks
from engine.reconcile.leash import held_back_interrupts, obey, require_leash
from engine.reconcile.result import Chunk
from engine.reconcile.scan_order import ScanOrder, scan
from engine.reconcile.worker_ends import ended_early
from engine.telemetry.traces import span, tracing

_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Each share is one query, which goes on until the share ends."""

    uri: str = field(repr=False)
    workers: int = 1

    def scan(
        self,
        orders: Sequence[ScanOrder],
        kept: KeptChunks,
        finished: Callable[[Chunk], None],
        look: Callable[[], None],
    ) -> None:
        """See ``Executor``; with several processes ``finished`` is told of a share's chunks when the share is done.

        When one share fails, no other is begun, and those under way stop at their next batch of documents.
        """
        if self.workers == 1:
            for order in orders:
                _carry_out(order, self.uri, kept, finished, look)
            return
        context = multiprocessing.get_context("spawn")  # a forked child would share connections and threads' locks
        leash, hand = context.Pipe(duplex=False)
        with leash, ProcessPoolExecutor(self.workers, context, obey, (leash, os.getpid())) as pool:
            processes = pool._processes  # the pool forgets them at its end, and they alone know how they ended
            try:
                with held_back_interrupts():  # it is this process that somebody interrupts, and that tells the others
                    shares = [pool.submit(_in_a_process, order, self.uri, kept.place) for order in orders]
                for chunk in _chunks(shares, look):
                    finished(chunk)
            except BrokenProcessPool as error:
                pool.shutdown()  # which waits for all of them to end
                raise ended_early([one.exitcode for one in processes.values()], self.workers) from error
            finally:
                hand.close()
                pool.shutdown(cancel_futures=True)


def _chunks(shares: Sequence[Future[list[Chunk]]], look: Callable[[], None]) -> Iterator[Chunk]:
    under_way = set(shares)
    while under_way:
        done, under_way = wait(under_way, _LOOK_EVERY_S, FIRST_COMPLETED)
        look()
        for share in done:
            yield from share.result()


def _carry_out(
    order: ScanOrder, uri: str, kept: KeptChunks, finished: Callable[[Chunk], None], look: Callable[[], None]
) -> None:
    share, is_last = order.share.number, False
    with closing(scan(order, uri, look)) as scanning:
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
        _carry_out(order, uri, kept, chunks.append, require_leash)
    return chunks
