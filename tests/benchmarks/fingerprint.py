"""Digests of rows that are decoded already, on one core; MB/s are of the documents' BSON, as everywhere."""

from __future__ import annotations

from engine.decode.decoder import Decoder
from engine.reconcile.fingerprint import fingerprint, new_key
from engine.spec.types import Struct
from tests.benchmarks.decode import NOW, stay_on_one_core
from tests.benchmarks.documents import DECIMAL, LARGE, SMALL, batch_of, raw_documents, rows_in_a_batch
from tests.benchmarks.measurement import Measurement, timed


def digests(size: str) -> Measurement:
    """One side of a comparison; a reconciliation does it for both."""
    stay_on_one_core()
    raw = raw_documents(size, rows_in_a_batch(size))
    decoded = Decoder().decode(batch_of(raw), Struct({}), NOW)
    seconds = timed(lambda key: fingerprint(decoded.table, decoded.columns, key), lambda _: new_key())
    return Measurement(f"fingerprint {size}", f"fingerprint, {size}", len(raw), sum(map(len, raw)), seconds)


CASES = {f"fingerprint {size}": (digests, size) for size in (SMALL, DECIMAL, LARGE)}
