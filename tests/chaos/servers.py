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
from engine.stack.server import Server
from tests.faults.s3_proxy import S3Proxy

HEAP_MB = 384


@dataclass(frozen=True, slots=True)
class Servers:
    """Running servers, and a client of the source."""

    mongodb: MongoServer
    kafka: KafkaBroker
    connect: ConnectWorker
    s3: S3Store
    proxy: S3Proxy
    """Between the workers and the store; whoever judges goes to the store itself."""
    client: MongoClient[Any]

    @property
    def mortal(self) -> dict[str, Server]:
        """Those that are killed, by name."""
        return {"kafka": self.kafka, "connect": self.connect, "s3": self.s3}


@contextmanager
def running(folder: Path) -> Iterator[Servers]:
    """Start all at once, Connect when its broker answers; stop all at the end."""
    mongodb, s3 = MongoServer(folder / "mongodb"), local_store(folder / "s3")
    kafka = KafkaBroker(folder / "kafka", heap_mb=HEAP_MB)
    connect = ConnectWorker(folder / "connect", bootstrap_servers=kafka.bootstrap_servers, heap_mb=HEAP_MB)
    with ExitStack() as stack:
        for server in (mongodb, s3, kafka, connect):
            stack.callback(server.stop)
        mongodb.launch()
        s3.launch()
        kafka.start()
        connect.start()
        mongodb.wait_until_it_answers()
        s3.wait_until_it_answers()
        proxy = stack.enter_context(S3Proxy(s3.endpoint))
        client = stack.enter_context(MongoClient[Any](mongodb.uri))
        yield Servers(mongodb, kafka, connect, s3, proxy, client)
