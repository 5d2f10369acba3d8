"""Pairs of ``_id`` and digest on disk, sorted by bucket, so that one bucket of the whole can be read at a time.

A document's bucket is given by its ``_id`` alone. So a document and its row are in the same bucket, whatever order the
two sides are read in and whatever order the server compares ids by.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow as pa

_STARTS = b"oplake.starts"
ROWS_A_BUCKET = 100_000
MOST_BUCKETS = 4096


def buckets_for(documents: int) -> int:
    """How many buckets so many documents are put in: a power of two, each bucket small in memory."""
    wanted = max(1, documents // ROWS_A_BUCKET)
    return min(MOST_BUCKETS, 1 << (wanted - 1).bit_length())


def write_spill(path: Path, rows: pa.Table, buckets: int) -> None:
    """Write rows with an ``id``; the file is there whole and durable, or not at all."""
    ids = rows.column("id").to_pylist()
    places = np.fromiter((crc32(text.encode()) & (buckets - 1) for text in ids), dtype=np.int64, count=len(ids))
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(buckets + 1))
    sorted_rows = rows.take(pa.array(order)).combine_chunks()
    sorted_rows = sorted_rows.replace_schema_metadata({_STARTS: json.dumps(starts.tolist())})
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as stream:
        with pa.ipc.new_file(stream, sorted_rows.schema) as writer:
            writer.write_table(sorted_rows)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def read_bucket(paths: Sequence[Path], bucket: int, schema: pa.Schema) -> pa.Table:
    """The rows of one bucket, out of all files."""
    return pa.concat_tables([schema.empty_table(), *_slices(paths, bucket)])


def _slices(paths: Sequence[Path], bucket: int) -> Iterator[pa.Table]:
    for path in paths:
        with pa.memory_map(str(path)) as content:
            rows = pa.ipc.open_file(content).read_all()
            starts = json.loads(rows.schema.metadata[_STARTS])
            part = rows.slice(starts[bucket], starts[bucket + 1] - starts[bucket])
            yield part.replace_schema_metadata(None)
