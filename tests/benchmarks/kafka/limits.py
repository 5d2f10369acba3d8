"""What nothing on this machine can beat: reading the topic and doing nothing, and writing the rows as plain Parquet."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pyarrow.parquet as pq
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from tests.benchmarks.kafka.load import PARTITIONS


def consume_only(bootstrap_servers: str, topic: str, count: int) -> float:
    """Seconds that one consumer takes to be handed so many messages, committed ones only."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": uuid.uuid4().hex,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": 10,
            "queued.min.messages": 1_000_000,
        }
    )
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(PARTITIONS)])
    started, seen = time.perf_counter(), 0
    while seen < count:
        seen += sum(message.error() is None for message in consumer.consume(10_000, 1.0))
    seconds = time.perf_counter() - started
    consumer.close()
    return seconds


def write_parquet(rows: Path, into: Path) -> float:
    """Seconds that one process takes to write the rows of a table's files as plain Parquet files, as many and as large.

    Args:
        rows: the folder of a table; reading it is not counted.
        into: an empty folder.
    """
    seconds = 0.0
    into.mkdir()
    for number, path in enumerate(sorted(rows.rglob("*.parquet"))):
        table = pq.ParquetFile(path).read()
        started = time.perf_counter()
        pq.write_table(table, into / f"{number}.parquet")
        seconds += time.perf_counter() - started
    return seconds
