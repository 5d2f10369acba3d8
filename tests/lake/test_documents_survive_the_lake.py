"""Random documents through the real tables: log, evolution, fold, and back to their bytes."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime

import pyarrow as pa
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.decode.decoder import Decoder
from engine.decode.exact_bson import write_exactly
from engine.decode.rebuild import rebuild_bytes
from engine.decode.system_columns import struct_of
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.lake.fold_history import fold_history
from engine.source.batch import Batch
from engine.source.raw_document import key_of
from engine.spec.types import Struct
from tests.decode import bson_strategies as bs
from tests.examples import examples

NOW = datetime(2026, 1, 2, tzinfo=UTC)
fields = st.dictionaries(bs.names.filter(lambda name: name != "_id"), bs.values, max_size=5)
changes = st.lists(st.tuples(st.integers(0, 3), fields), min_size=1, max_size=4)


def rows_of(uri: str) -> list[bytes]:
    table = pa.table(DeltaTable(uri).scan()) if hasattr(DeltaTable, "scan") else DeltaTable(uri).to_pyarrow_table()
    columns = struct_of(table.schema)
    return sorted(rebuild_bytes(row, columns) for row in table.to_pylist())


@settings(deadline=None, max_examples=examples(40), suppress_health_check=list(HealthCheck))
@given(st.lists(changes, min_size=1, max_size=3))
def test_any_document_comes_back_from_log_current_and_history(
    batches: list[list[tuple[int, dict[str, object]]]],
) -> None:
    written: list[bytes] = []
    latest: dict[int, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        log = ChangeLog.create(f"{folder}/changes", Struct({}))
        for batch in batches:
            documents = [write_exactly({"_id": number, **values}) for number, values in batch]
            orders = [f"{len(written) + row:029x}" for row in range(len(documents))]
            decoded = Decoder().decode(
                Batch(["u"] * len(documents), orders, [0] * len(documents), list(map(key_of, documents)), documents),
                log.columns(),
                NOW,
            )
            log.evolve(decoded.columns)
            log.append(decoded.table, {"stream.index": len(written) + len(documents)})
            written += documents
            latest |= {number: document for (number, _), document in zip(batch, documents, strict=True)}
            fold_current(log, f"{folder}/current")
            fold_history(log, f"{folder}/history")
        assert rows_of(f"{folder}/changes") == sorted(written)
        assert rows_of(f"{folder}/current") == sorted(latest.values())
        assert rows_of(f"{folder}/history") == sorted(written)
