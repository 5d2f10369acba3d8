"""Rows to a commit of the change log; the limit is writing the same rows as a plain Parquet file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.decode.decoded import Decoded
from engine.decode.decoder import Decoder
from engine.lake.change_log import ChangeLog
from engine.spec.types import Struct
from tests.benchmarks.decode import NOW
from tests.benchmarks.documents import SMALL, batch_of, raw_documents, rows_in_a_batch
from tests.benchmarks.measurement import Measurement, timed

BATCHES = 4


def append() -> Measurement:
    """Commit batches of the default size to one log, as a worker does."""
    decoded, size = _rows()
    with _folder() as folder:
        log = ChangeLog.create(str(folder / "changes"), decoded.columns)

        def commit(run: int) -> None:
            for number in range(BATCHES):
                log.append(decoded.table, {"bench": run * BATCHES + number + 1})

        commit(-1)
        seconds = timed(commit, lambda run: run)
    what = f"append, {SMALL}, {BATCHES} commits of {len(decoded.table):,} rows"
    return Measurement("append", what, BATCHES * len(decoded.table), BATCHES * size, seconds)


def write_parquet() -> Measurement:
    """The limit: the same rows to Parquet files, no table, no commit."""
    decoded, size = _rows()
    with _folder() as folder:

        def write(run: int) -> None:
            for number in range(BATCHES):
                pq.write_table(decoded.table, folder / f"{run}-{number}.parquet")

        write(-1)
        seconds = timed(write, lambda run: run)
    what = f"limit: Arrow to Parquet, the same rows ({pa.cpu_count()} threads allowed)"
    return Measurement("limit parquet", what, BATCHES * len(decoded.table), BATCHES * size, seconds)


def _rows() -> tuple[Decoded, int]:
    """One batch as rows of the log, and its size as BSON."""
    raw = raw_documents(SMALL, rows_in_a_batch(SMALL))
    return Decoder().decode(batch_of(raw), Struct({}), NOW), sum(map(len, raw))


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="oplake-bench-") as name:
        yield Path(name)


CASES = {"limit parquet": (write_parquet,), "append": (append,)}
