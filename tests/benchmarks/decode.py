"""BSON to Arrow, on one core, in batches of the default size; the limit is reading the BSON at all."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import bson

from engine.decode.decoder import Decoder
from engine.spec.types import Struct
from tests.benchmarks.documents import DECIMAL, LARGE, SMALL, batch_of, raw_documents, rows_in_a_batch
from tests.benchmarks.measurement import Measurement, timed

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def decode(size: str, conflicts: float) -> Measurement:
    """Decode a batch whose columns the table knows already."""
    stay_on_one_core()
    raw = raw_documents(size, rows_in_a_batch(size), conflicts)
    batch, columns = batch_of(raw), _columns_of_clean(size)
    rescued = sum(Decoder().decode(batch, columns, NOW).rescued.values())
    seconds = timed(lambda decoder: decoder.decode(batch, columns, NOW), lambda _: Decoder())
    what = f"decode, {size}, {conflicts:.0%} of the values conflict"
    return Measurement(
        f"decode {size} {conflicts:.0%}", what, len(raw), _size(raw), seconds, extra={"rescued": rescued}
    )


def decode_first_batch(size: str) -> Measurement:
    """Decode a batch into a table without columns: all are inferred."""
    stay_on_one_core()
    raw = raw_documents(size, rows_in_a_batch(size))
    batch = batch_of(raw)
    seconds = timed(lambda decoder: decoder.decode(batch, Struct({}), NOW), lambda _: Decoder())
    return Measurement(
        f"decode first {size}", f"decode, {size}, first batch: infer the columns", len(raw), _size(raw), seconds
    )


def read_bson(size: str) -> Measurement:
    """The limit: BSON to Python dictionaries with PyMongo's C extension, and nothing else."""
    stay_on_one_core()
    raw = raw_documents(size, rows_in_a_batch(size))

    def read(_: None) -> None:
        for document in raw:
            bson.decode(document)

    seconds = timed(read, lambda _: None)
    return Measurement(f"limit bson {size}", f"limit: raw BSON to dictionaries, {size}", len(raw), _size(raw), seconds)


def _columns_of_clean(size: str) -> Struct:
    return Decoder().decode(batch_of(raw_documents(size, 1000)), Struct({}), NOW).columns


def _size(raw: list[bytes]) -> int:
    return sum(map(len, raw))


def stay_on_one_core() -> None:
    """Figures are a core's; where the system cannot pin a process, the decoder is single-threaded anyway."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


CASES = {
    **{f"limit bson {size}": (read_bson, size) for size in (SMALL, DECIMAL, LARGE)},
    **{
        f"decode {size} {conflicts:.0%}": (decode, size, conflicts)
        for size in (SMALL, DECIMAL, LARGE)
        for conflicts in (0.0, 0.1)
    },
    **{f"decode first {size}": (decode_first_batch, size) for size in (SMALL, DECIMAL, LARGE)},
}
