"""A query's rows on their way out: written in a thread, sent as they come, stopped when nobody reads."""

from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO, cast

import pyarrow as pa
from anyio import to_thread

from engine.query.csv_output import write_csv
from engine.query.json_output import write_json
from engine.query.parquet_output import write_parquet
from engine.query.run import Query, Rows, run_query

_CHUNK = 64 * 1024
_WAITING = 8
"""Chunks that may wait for a slow reader; then the query waits too, and its clock runs on."""
_PATIENCE_S = 0.2


class NobodyReads(Exception):
    """The other end has gone."""


class _Pipe:
    """A text stream whose other end is asynchronous."""

    def __init__(self) -> None:
        self._chunks: queue.Queue[bytes | Exception | None] = queue.Queue(_WAITING)
        self._held: list[str] = []
        self._size = 0
        self.is_abandoned = False

    def write(self, text: str) -> int:
        self._held.append(text)
        self._size += len(text)
        if self._size >= _CHUNK:
            self.flush()
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._held:
            self._put("".join(self._held).encode())
            self._held, self._size = [], 0

    def send(self, content: bytes) -> None:
        self._put(content)

    def end(self, error: Exception | None = None) -> None:
        try:
            self._put(error)
        except NobodyReads:
            return

    def _put(self, chunk: bytes | Exception | None) -> None:
        while True:
            if self.is_abandoned:
                raise NobodyReads
            try:
                self._chunks.put(chunk, timeout=_PATIENCE_S)
            except queue.Full:
                continue
            return

    def take(self) -> bytes | Exception | None:
        return self._chunks.get()


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, how its rows are to be written, and how many at most."""

    query: Query
    form: str
    max_rows: int


async def chunks(asked: Asked) -> AsyncIterator[bytes]:
    """The result in the asked form.

    Raises:
        QueryError, LakeError, UsageError: as ``run_query``; before the first chunk or, when rows fail, after it.
    """
    pipe = _Pipe()
    thread = threading.Thread(target=_run, args=(asked, pipe), name="query", daemon=True)
    thread.start()
    try:
        while (chunk := await to_thread.run_sync(pipe.take, abandon_on_cancel=True)) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
    finally:
        pipe.is_abandoned = True


def _run(asked: Asked, pipe: _Pipe) -> None:
    try:
        with run_query(asked.query) as rows:
            _write(replace(rows, batches=_first(rows.batches, asked.max_rows)), asked, pipe)
        pipe.end()
    except NobodyReads:
        return
    except Exception as error:  # noqa: BLE001  raised where it is awaited
        pipe.end(error)


def _write(rows: Rows, asked: Asked, pipe: _Pipe) -> None:
    if asked.form == "parquet":
        with tempfile.TemporaryDirectory(prefix="result-", dir=asked.query.temp_root) as folder:
            path = Path(folder, "result.parquet")
            write_parquet(rows, path)
            with path.open("rb") as stream:
                while content := stream.read(_CHUNK):
                    pipe.send(content)
        return
    writers: dict[str, Callable[[Rows, TextIO], None]] = {"csv": write_csv, "json": write_json}
    writers[asked.form](rows, cast("TextIO", pipe))
    pipe.flush()


def _first(batches: Iterator[pa.RecordBatch], count: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.slice(0, count)
        count -= batch.num_rows
        if count <= 0:
            return
