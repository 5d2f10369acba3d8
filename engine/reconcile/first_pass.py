"""Reads both sides once, completely, and finds the documents that did not look the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from engine.errors import InternalError
from engine.reconcile.candidates import compare_buckets
from engine.reconcile.executor import Executor
from engine.reconcile.fingerprint import CANONICAL_FORM, new_key
from engine.reconcile.job import Comparison
from engine.reconcile.kept_chunks import ChunkPlace, KeptChunks, checkpoints_of
from engine.reconcile.result import Chunk
from engine.reconcile.scan_order import ScanOrder
from engine.reconcile.share import Share, cut
from engine.reconcile.spill import buckets_for
from engine.reconcile.spill_folder import SpillFolder
from engine.reconcile.spilled_side import SpilledSide
from engine.reconcile.table_scan import spill_table
from engine.reconcile.table_side import TableSide
from engine.source.mongo_errors import reading_from
from engine.state.tenure import Tenure
from engine.telemetry import traces
from engine.telemetry.traces import span

SHARES_A_WORKER = 4
"""So that a worker that is done early takes on another share."""


class Progress(Protocol):
    """Hears how far a reconciliation is."""

    def expect(self, documents: int, rows: int) -> None:
        """About how much there is to read."""

    def read(self, documents: int = 0, rows: int = 0) -> None:
        """So much more was read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass is about; saved when it begins, so that a resumed one is the same."""

    run: str
    began: int
    """Packed cluster time: everything older is seen."""
    buckets: int
    shares: tuple[Share, ...]
    key: bytes = field(repr=False)
    """Of the digests: a pass that goes on compares with what was spilled before."""

    def as_json(self) -> dict[str, Any]:
        """For the state database."""
        bounds = [[_text(share.lower), _text(share.upper)] for share in self.shares]
        return {
            "form": CANONICAL_FORM,
            "began": self.began,
            "buckets": self.buckets,
            "shares": bounds,
            "key": self.key.hex(),
        }

    @staticmethod
    def is_of_this_form(saved: Mapping[str, Any]) -> bool:
        """Whether digests that such a pass has spilled compare with those that are made now."""
        return saved.get("form") == CANONICAL_FORM

    @classmethod
    def of(cls, run: str, saved: Mapping[str, Any]) -> Plan:
        """The inverse of ``as_json``; only where ``is_of_this_form``."""
        shares = [Share(number, _bytes(one), _bytes(other)) for number, (one, other) in enumerate(saved["shares"])]
        return cls(run, saved["began"], saved["buckets"], tuple(shares), bytes.fromhex(saved["key"]))


@dataclass(frozen=True, slots=True)
class FirstPass:
    """What was read, and what has to be judged."""

    table_version: int
    chunks: tuple[Chunk, ...]
    documents: int
    rows: int
    buckets: int
    equal_buckets: int
    differing: tuple[tuple[str, int], ...]
    """``_id`` text and bucket."""


def make_plan(comparison: Comparison, run: str, workers: int) -> Plan:
    """Cut the collection into shares for so many workers.

    Raises:
        SourceUnreachable: no server answers.
    """
    documents = comparison.documents
    began = documents.now()
    with reading_from(documents.namespace):
        shares = cut(documents.collection, workers * SHARES_A_WORKER if workers > 1 else 1)
    return Plan(run, began, buckets_for(documents.count()), tuple(shares), new_key())


def read_both(comparison: Comparison, plan: Plan, executor: Executor, hold: Tenure, progress: Progress) -> FirstPass:
    """Read and compare; goes on from what is finished.

    Raises:
        PassTaken: another process has the pass in hand by now.
        OplakeError: a side cannot be read, or progress not be saved; what is finished stays so.
    """
    folder = SpillFolder.of(comparison.root, plan.run, hold.number)
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    side = comparison.open_side()
    progress.expect(comparison.documents.count(), _rows(side))
    checkpoints = checkpoints_of(comparison.database, hold)
    table, source = (SpilledSide(checkpoints, folder, name) for name in ("table", "source"))
    with span("read_table"):
        version = spill_table(side, table, folder, plan.buckets, plan.key, lambda rows: progress.read(rows=rows))
    kept = KeptChunks(checkpoints, ChunkPlace(hold, comparison.job.target.state_url(comparison.root), folder))
    if source.done() is None:
        with span("read_source"):
            orders = _orders(comparison, plan, side, executor.workers)
            source.save(_scan_source(orders, executor, kept, progress, comparison.look), {})
    standings = kept.standings(len(plan.shares), with_files=False)
    is_log = comparison.job.pipeline.table.mode == "changes"
    with span("merge"):
        files = source.merged(comparison.look), table.merged(comparison.look)
    with span("compare", (), **{"oplake.buckets": plan.buckets}):
        outcomes = list(compare_buckets(*files, plan.buckets, is_log=is_log))
    return FirstPass(
        version,
        tuple(chunk for standing in standings for chunk in standing.chunks),
        sum(outcome.documents for outcome in outcomes),
        sum(outcome.rows for outcome in outcomes),
        plan.buckets,
        sum(not outcome.differing for outcome in outcomes),
        tuple((text, outcome.number) for outcome in outcomes for text in outcome.differing),
    )


def _scan_source(
    orders: Sequence[ScanOrder], executor: Executor, kept: KeptChunks, progress: Progress, look: Callable[[], None]
) -> list[Path]:
    """The files of all chunks, those of an earlier process among them."""

    def finished(chunk: Chunk) -> None:
        progress.read(documents=chunk.documents)

    standings = kept.standings(len(orders))
    for chunk in (chunk for standing in standings for chunk in standing.chunks):
        finished(chunk)
    rest = [
        replace(order, after=standing.after, number=len(standing.chunks))
        for order, standing in zip(orders, standings, strict=True)
        if not standing.is_done
    ]
    executor.scan(rest, kept, finished, look)
    standings = kept.standings(len(orders))
    if not all(standing.is_done for standing in standings):
        raise InternalError("a share of the collection was not read to its end", where=str(kept.place.folder.path))
    return [path for standing in standings for path in standing.files]


def _orders(comparison: Comparison, plan: Plan, side: TableSide, workers: int) -> list[ScanOrder]:
    """One a share, from its beginning."""
    settings = comparison.settings
    rate = settings.bytes_a_second
    return [
        ScanOrder(
            comparison.job.namespace,
            settings.read_preference,
            share,
            plan.began,
            comparison.rules,
            side.columns,
            plan.key,
            plan.buckets,
            settings.limits,
            rate / workers if rate else None,
            traces.current(),
        )
        for share in plan.shares
    ]


def _rows(side: TableSide) -> int:
    return int(side.table.count())


def _text(bound: bytes | None) -> str | None:
    return None if bound is None else bound.hex()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)
