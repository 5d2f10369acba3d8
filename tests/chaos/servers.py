"""All the servers of the production transport, each of which may be killed at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from engine.stack.connect import ConnectWorker
from engine.stack.kafka import KafkaBroker
from engine.stack.mongodb import MongoServer
from engine.stack.s3 import S3Store, local_store

HEAP_MB = 384


@dataclass(frozen=True, slots=True)
class Servers:
    """Running servers, and a client of the source."""

    mongodb: MongoServer
    kafka: KafkaBroker
    connect: ConnectWorker
    s3: S3Store
    client: MongoClient[Any]


@contextmanager
def running(folder: Path) -> Iterator[Servers]:
    """Start all; stop all at the end."""
    with ExitStack() as stack:
        mongodb = stack.enter_context(MongoServer(folder / "mongodb"))
        kafka = stack.enter_context(KafkaBroker(folder / "kafka", heap_mb=HEAP_MB))
        s3 = stack.enter_context(local_store(folder / "s3"))
        connect = ConnectWorker(folder / "connect", bootstrap_servers=kafka.bootstrap_servers, heap_mb=HEAP_MB)
        stack.enter_context(connect)
        client = stack.enter_context(MongoClient[Any](mongodb.uri))
        yield Servers(mongodb, kafka, connect, s3, client)
