"""Pairs of ``_id`` and digest on disk, sorted by bucket, so that one bucket of the whole can be read at a time.

A document's bucket is given by its ``_id`` alone. So a document and its row are in the same bucket, whatever order the
two sides are read in and whatever order the server compares ids by.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_STARTS = b"oplake.starts"
ROWS_A_BUCKET = 100_000
MOST_BUCKETS = 4096


def buckets_for(documents: int) -> int:
    """How many buckets so many documents are put in: a power of two, each bucket small in memory."""
    wanted = max(1, documents // ROWS_A_BUCKET)
    return min(MOST_BUCKETS, 1 << (wanted - 1).bit_length())


def spill_content(rows: pa.Table, buckets: int) -> pa.Buffer:
    """A spilled file's bytes, of rows with an ``id``."""
    ids = rows.column("id").to_pylist()
    places = np.fromiter((crc32(text.encode()) & (buckets - 1) for text in ids), dtype=np.int64, count=len(ids))
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(buckets + 1))
    sink = pa.BufferOutputStream()
    with new_spill(sink, rows.schema, starts) as writer:
        writer.write_table(rows.take(pa.array(order)).combine_chunks())
    return sink.getvalue()


def new_spill(sink: Any, schema: pa.Schema, starts: npt.NDArray[np.int64]) -> pa.RecordBatchFileWriter:  # noqa: ANN401  any stream
    """Writes rows that are sorted by bucket.

    Args:
        starts: where each bucket begins, shape (buckets + 1,); the last one is the number of rows.
    """
    return pa.ipc.new_file(sink, schema.with_metadata({_STARTS: json.dumps(starts.tolist())}))


@contextmanager
def written_durably(path: Path) -> Iterator[Any]:
    """A stream; the file is there whole and durable when the block ends, or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def write_spill(path: Path, content: pa.Buffer) -> None:
    """Keep what ``spill_content`` made; the file is there whole and durable, or not at all."""
    with written_durably(path) as stream:
        stream.write(content)


class Spill:
    """A spilled file, mapped into memory: pages are read when a bucket is."""

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as content:
            rows = pa.ipc.open_file(content).read_all()
        self.starts: npt.NDArray[np.int64] = np.array(json.loads(rows.schema.metadata[_STARTS]), np.int64)
        self._rows = rows.replace_schema_metadata(None)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return self._rows.schema

    def rows(self, first: int, last: int) -> pa.Table:
        """Those of the buckets from ``first`` up to, not including, ``last``."""
        return self._rows.slice(self.starts[first], self.starts[last] - self.starts[first])


def read_bucket(spills: Sequence[Spill], bucket: int, schema: pa.Schema) -> pa.Table:
    """The rows of one bucket, out of all files."""
    return pa.concat_tables([schema.empty_table(), *(spill.rows(bucket, bucket + 1) for spill in spills)])
