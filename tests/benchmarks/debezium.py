"""Debezium's messages to Arrow, on one core: envelopes of some 860 bytes around documents of 400."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import bson

from engine.decode.decoder import Decoder
from engine.source.batch import Batch
from engine.source.debezium import Change, parse_message
from engine.source.partition_order import PartitionOrder
from engine.spec.types import Struct
from tests.benchmarks.decode import stay_on_one_core
from tests.benchmarks.documents import DECIMAL, LARGE, SMALL, raw_documents, rows_in_a_batch
from tests.benchmarks.measurement import Measurement, timed
from tests.decode import legacy_json

NOW = datetime(2024, 5, 1, tzinfo=UTC)
_STARTED_MS = 1_700_000_000_000
Message = tuple[bytes, bytes]
"""Key and value."""


def messages(raw: Sequence[bytes]) -> list[Message]:
    """Inserts of the documents, as Debezium 3.6 sends them."""
    return [_message(number, bson.decode(document)) for number, document in enumerate(raw)]


def _message(number: int, document: dict[str, object]) -> Message:
    made = _STARTED_MS + number // 10
    source = {
        **{"version": "3.6.1.Final", "connector": "mongodb", "name": "shop", "ts_ms": made, "snapshot": "false"},
        **{"db": "shop", "sequence": None, "ts_us": made * 1000, "ts_ns": made * 1_000_000, "collection": "users"},
        **{"ord": number % 1000 + 1, "lsid": None, "txnNumber": None, "wallTime": made},
    }
    value = {
        **{"before": None, "after": legacy_json.image(document), "updateDescription": None, "source": source},
        **{"op": "c", "ts_ms": made + 80, "transaction": None},
    }
    key = {"id": legacy_json.key(document["_id"])}
    return _compact(key), _compact(value)


def _compact(data: object) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def batch_of(found: Sequence[Message]) -> Batch:
    """What a source makes of the messages of one partition."""
    order = PartitionOrder(0)
    changes = [change for key, value in found if isinstance(change := parse_message(key, value), Change)]
    return Batch(
        [change.operation for change in changes],
        [order.order(change, offset) for offset, change in enumerate(changes)],
        [change.source_time_us for change in changes],
        [change.key for change in changes],
        [change.document for change in changes],
        {},
        "extended_json",
    )


def decode(size: str, conflicts: float) -> Measurement:
    """From message values to rows whose columns the table knows already."""
    stay_on_one_core()
    found = messages(raw_documents(size, rows_in_a_batch(size), conflicts))
    columns = Decoder().decode(batch_of(messages(raw_documents(size, 1000))), Struct({}), NOW).columns
    seconds = timed(lambda decoder: decoder.decode(batch_of(found), columns, NOW), lambda _: Decoder())
    what = f"Debezium's messages to rows, {size}, {conflicts:.0%} of the values conflict"
    return Measurement(f"debezium {size} {conflicts:.0%}", what, len(found), _size(found), seconds)


def cut(size: str) -> Measurement:
    """From message values to a batch, whose documents nobody has looked into."""
    stay_on_one_core()
    found = messages(raw_documents(size, rows_in_a_batch(size)))
    seconds = timed(lambda _: batch_of(found), lambda _: None)
    what = f"Debezium's messages to batches, {size}"
    return Measurement(f"debezium envelopes {size}", what, len(found), _size(found), seconds)


def _size(found: Sequence[Message]) -> int:
    return sum(len(value) for _, value in found)


CASES = {
    f"debezium envelopes {SMALL}": (cut, SMALL),
    **{
        f"debezium {size} {conflicts:.0%}": (decode, size, conflicts)
        for size in (SMALL, DECIMAL, LARGE)
        for conflicts in (0.0, 0.1)
    },
}
