"""One share of a collection as work for a process: read it, spill it, and save how far it is after each chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo.read_preferences import make_read_preference

from engine.decode.rules import DecodeRules
from engine.reconcile.digests import Digester
from engine.reconcile.documents import Documents
from engine.reconcile.result import Chunk
from engine.reconcile.share import Share
from engine.reconcile.source_scan import ChunkLimits, ScannedChunk, scan_share
from engine.reconcile.spill import write_spill
from engine.reconcile.throttle import Throttle
from engine.source.cluster_time import unpack
from engine.source.probe import connect
from engine.spec.types import Struct
from engine.state.checkpoints import Checkpoints
from engine.state.database import open_database
from engine.telemetry.crash_points import reach
from engine.telemetry.traces import span

PREFERENCES = ("primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")
Finished = Callable[[Chunk], None]


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """Everything that a process has to know."""

    run: str
    uri: str = field(repr=False)
    state_url: str = field(repr=False)
    namespace: str
    preference: str
    share: Share
    not_before: int
    """Packed cluster time: nothing older is read."""
    rules: DecodeRules
    columns: Struct
    key: bytes = field(repr=False)
    """Of the digests."""
    buckets: int
    folder: Path
    limits: ChunkLimits
    bytes_a_second: float | None
    trace: str | None = None
    """What its span is below, as a W3C ``traceparent``."""


def carry_out(order: ScanOrder, finished: Finished | None = None) -> list[Chunk]:
    """Scan a share, from its last finished chunk on; returns all its chunks.

    Raises:
        SourceUnreachable: no server answers just now; what is finished stays so.
        SourceError: the server refuses.
        StateError: a checkpoint cannot be saved.
    """
    database = open_database(order.state_url)
    client = connect(order.uri)
    try:
        checkpoints = Checkpoints(database, job_name(order.run))
        done = finished_chunks(checkpoints.all(), order.folder, order.share.number)
        if done and done[-1]["is_last"]:
            return [_chunk(order.share, saved) for saved in done]
        documents = Documents(client, order.namespace, preference(order.preference))
        chunks = [_chunk(order.share, saved) for saved in done]
        scanning, is_last = _scan(order, documents, done), False
        while not is_last:
            saved = _carry_out_chunk(order, scanning, checkpoints)
            is_last = saved["is_last"]
            chunks.append(_chunk(order.share, saved))
            if finished is not None:
                finished(chunks[-1])
        return chunks
    finally:
        client.close()
        database.close()


def _carry_out_chunk(order: ScanOrder, scanning: Iterator[ScannedChunk], checkpoints: Checkpoints) -> dict[str, Any]:
    """Read the next chunk, spill and save it."""
    share = order.share.number
    with span("chunk", (), **{"oplake.share": share}) as told:
        scanned = next(scanning)
        saved = _saved(scanned)
        size = {"oplake.documents": saved["documents"], "oplake.bytes": saved["size_bytes"]}
        told.tell(**{"oplake.chunk": scanned.number}, **size)
        write_spill(spill_path(order.folder, share, scanned.number), scanned.pairs, order.buckets)
        reach("reconcile.chunk.before_checkpoint")
        checkpoints.put(_key(share, scanned.number), saved)
        reach("reconcile.chunk.after_checkpoint")
    return saved


def finished_chunks(saved: Mapping[str, Any], folder: Path, share: int) -> list[dict[str, Any]]:
    """What was saved of a share's chunks, in order, as far as their files are here."""
    found: list[dict[str, Any]] = []
    while True:
        number = len(found)
        chunk = saved.get(_key(share, number))
        if chunk is None or not spill_path(folder, share, number).exists():
            return found
        found.append(dict(chunk))


def spill_path(folder: Path, share: int, number: int) -> Path:
    """Where a chunk's pairs are."""
    return folder / f"source-{share:04d}-{number:06d}.arrow"


def job_name(run: str) -> str:
    """Under which the checkpoints of a run are saved."""
    return f"reconcile:{run}"


def preference(name: str) -> Any:  # noqa: ANN401  pymongo has no public name for it
    """A read preference by its name in connection strings."""
    return make_read_preference(PREFERENCES.index(name), None)


def _scan(order: ScanOrder, documents: Documents, done: list[dict[str, Any]]) -> Iterator[ScannedChunk]:
    after = bytes.fromhex(done[-1]["last_key"]) if done and done[-1]["last_key"] else None
    with documents.client.start_session(causal_consistency=True) as session:
        session.advance_operation_time(unpack(order.not_before))
        yield from scan_share(
            documents.collection,
            session,
            order.share,
            Digester(order.rules, order.columns, order.key),
            order.limits,
            Throttle(order.bytes_a_second),
            after,
            len(done),
        )


def _key(share: int, number: int) -> str:
    return f"source:{share}:{number}"


def _saved(chunk: ScannedChunk) -> dict[str, Any]:
    return {
        "number": chunk.number,
        "documents": chunk.pairs.num_rows,
        "size_bytes": chunk.size_bytes,
        "seconds": round(chunk.seconds, 3),
        "last_key": chunk.last_key.hex() if chunk.last_key else None,
        "is_last": chunk.is_last,
    }


def _chunk(share: Share, saved: Mapping[str, Any]) -> Chunk:
    return Chunk(share.number, saved["number"], saved["documents"], saved["size_bytes"], saved["seconds"])
