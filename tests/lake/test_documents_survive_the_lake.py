"""Random documents through the real tables: log, evolution, fold, and back to their bytes."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from bson.int64 import Int64
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.decode.decoded import Decoded
from engine.decode.decoder import Decoder
from engine.decode.exact_bson import write_exactly
from engine.decode.rebuild import rebuild_bytes
from engine.decode.rules import DecodeRules
from engine.decode.system_columns import struct_of
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.lake.widening import WideningRefused
from engine.source.batch import Batch
from engine.source.raw_document import key_of
from engine.spec.types import Struct
from tests.decode import bson_strategies as bs
from tests.examples import examples

pytestmark = pytest.mark.slow
NOW = datetime(2026, 1, 2, tzinfo=UTC)
Changes = list[tuple[int, dict[str, object]]]
fields = st.dictionaries(bs.names.filter(lambda name: name != "_id"), bs.values, max_size=5)
changes = st.lists(st.tuples(st.integers(0, 3), fields), min_size=1, max_size=4)


def rows_of(uri: str) -> list[bytes]:
    table = pa.table(DeltaTable(uri).scan()) if hasattr(DeltaTable, "scan") else DeltaTable(uri).to_pyarrow_table()
    columns = struct_of(table.schema)
    return sorted(rebuild_bytes(row, columns) for row in table.to_pylist())


@settings(deadline=None, max_examples=examples(40), suppress_health_check=list(HealthCheck))
@given(st.lists(changes, min_size=1, max_size=3))
def test_any_document_comes_back_from_log_current_and_history(batches: list[Changes]) -> None:
    _write_and_compare(batches, DecodeRules())


numbers = st.one_of(
    st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1).map(Int64), st.floats(-1e3, 1e3), st.none(), st.just("many")
)
inside = st.recursive(
    numbers,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("nm"), values, max_size=2),
    max_leaves=4,
)
numeric = st.dictionaries(st.sampled_from("nm"), inside, max_size=2)


@settings(deadline=None, max_examples=examples(80), suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 3), numeric), min_size=1, max_size=4), min_size=2, max_size=4),
    st.booleans(),
)
def test_any_document_comes_back_from_tables_that_were_widened(batches: list[Changes], fold_late: bool) -> None:
    _write_and_compare(batches, DecodeRules(on_conflict="widen", maps=frozenset({("m",)})), fold_late=fold_late)


def _write_and_compare(batches: list[Changes], rules: DecodeRules, *, fold_late: bool = False) -> None:
    written: list[bytes] = []
    latest: dict[int, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        log = ChangeLog.create(f"{folder}/changes", Struct({}))
        for place, batch in enumerate(batches, 1):
            documents = [write_exactly({"_id": number, **values}) for number, values in batch]
            orders = [f"{len(written) + row:029x}" for row in range(len(documents))]
            keys = list(map(key_of, documents))
            decoded = _decoded(log, Batch(["u"] * len(keys), orders, [0] * len(keys), keys, documents), rules)
            log.evolve(decoded.columns)
            log.append(decoded.table, {"stream.index": len(written) + len(documents)})
            written += documents
            latest |= {number: document for (number, _), document in zip(batch, documents, strict=True)}
            if not fold_late or place == len(batches):
                fold_current(log, f"{folder}/current")
                fold_history(log, f"{folder}/history")
        assert rows_of(f"{folder}/changes") == sorted(written)
        assert rows_of(f"{folder}/current") == sorted(latest.values())
        assert rows_of(f"{folder}/history") == sorted(written)


def _decoded(log: ChangeLog, batch: Batch, rules: DecodeRules) -> Decoded:
    """As a worker does it."""
    decoded = Decoder(rules).decode(batch, log.columns(), NOW)
    if not decoded.widenings:
        return decoded
    try:
        log.widen(decoded.widenings)
    except WideningRefused:
        rules = replace(rules, on_conflict="rescue")
    return Decoder(rules).decode(batch, log.columns(), NOW)
