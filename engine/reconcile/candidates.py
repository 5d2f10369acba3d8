"""Finds the documents that do not look the same on both sides, one bucket at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from engine.lake.row_order import newest_rows
from engine.reconcile.digests import PAIRS, total
from engine.reconcile.spill import Spill, read_bucket

LOG_PAIRS = pa.schema([*PAIRS, ("_position", pa.string()), ("_op", pa.string())])
"""Of a change log, which has many rows of one document: the newest counts, and none when that is a delete."""


@dataclass(frozen=True, slots=True)
class BucketOutcome:
    """One bucket of both sides."""

    number: int
    documents: int
    rows: int
    differing: tuple[str, ...]
    """``_id`` texts."""


def compare_buckets(
    source: Sequence[Path], table: Sequence[Path], buckets: int, *, is_log: bool = False
) -> Iterator[BucketOutcome]:
    """Compare what both sides have spilled; equal fingerprints end a bucket, others are joined by ``_id``.

    Each bucket is read out of every file, all of which stay open: they should be few (``SpilledSide.merged``).
    """
    source_spills, table_spills = [Spill(path) for path in source], [Spill(path) for path in table]
    for bucket in range(buckets):
        documents = read_bucket(source_spills, bucket, PAIRS)
        rows = read_bucket(table_spills, bucket, LOG_PAIRS if is_log else PAIRS)
        if is_log:
            rows = newest_of_log(rows)
        is_equal = total(documents.column("digest")) == total(rows.column("digest"))
        differing = () if is_equal else tuple(_differing(documents, rows))
        yield BucketOutcome(bucket, documents.num_rows, rows.num_rows, differing)


def newest_of_log(rows: pa.Table) -> pa.Table:
    """``PAIRS`` of the documents that a log says are there."""
    newest = newest_rows(rows.rename_columns(["_id", "digest", "_position", "_op"]))
    present = newest.filter(pc.not_equal(newest.column("_op"), "d"))
    return present.select(["_id", "digest"]).rename_columns(PAIRS.names)


def _differing(documents: pa.Table, rows: pa.Table) -> list[str]:
    """The ids of one side alone, of other digests, of several rows, or of several documents; each once."""
    of_documents, of_rows = (side.combine_chunks() for side in (documents, rows))
    ids, known = of_rows.column("id"), of_documents.column("id")
    places = pc.index_in(ids, value_set=known)
    is_other = pc.not_equal(of_documents.column("digest").take(places), of_rows.column("digest"))
    differing = ids.filter(pc.fill_null(is_other, True))  # null: no document has that id
    missing = known.filter(pc.invert(pc.is_in(known, value_set=ids)))
    return list(
        dict.fromkeys(
            text for found in (differing, _repeated(ids), _repeated(known), missing) for text in found.to_pylist()
        )
    )


def _repeated(ids: pa.Array) -> pa.Array:
    counts = pc.value_counts(ids)
    return counts.field("values").filter(pc.greater(counts.field("counts"), 1))
