"""Fixtures for all: real servers, each started once for a worker of the test run, and what is logged."""

from __future__ import annotations

import gc
import io
import os
import shutil
import signal
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pymongo import MongoClient
from pymongo.database import Database

from engine.stack.connect import ConnectWorker
from engine.stack.mongodb import MongoServer
from engine.stack.s3 import S3Store, local_store
from engine.telemetry.logs import configure
from tests.examples import load_profile
from tests.kafka.broker import TestBroker
from tests.order import longest_first

load_profile()
# A shell that starts the suite in the background lets it ignore Ctrl-C, and so every process that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

HEAP_MB = 384
OPLOG_ENTRIES = 10_000
NO_JVM = "needs Java 17+ and Maven, which are not both on PATH here"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first; tests of the JVM servers are skipped where there is no JVM, and say so, but not in CI."""
    longest_first(items)
    if os.environ.get("CI") or (shutil.which("java") and shutil.which("mvn")):
        return
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.skip(reason=NO_JVM))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage, a fifth of the time it takes: all that it makes stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What is logged meanwhile, a JSON object a line."""
    stream = io.StringIO()
    configure(stream, as_json=True)
    yield stream
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A MongoDB-protocol server that nobody restarts."""
    # The server looks through all the changes it keeps whenever a stream is opened: who needs many has one of his own.
    with MongoServer(tmp_path_factory.mktemp("mongodb"), oplog_entries=OPLOG_ENTRIES) as server:
        yield server


@pytest.fixture(scope="session")
def mongo(mongo_server: MongoServer) -> str:
    """The connection string of a running server."""
    return mongo_server.uri


@pytest.fixture(scope="session")
def mongo_client(mongo: str) -> Iterator[MongoClient[Any]]:
    """A client of that server."""
    with MongoClient(mongo) as client:
        yield client


@pytest.fixture
def database(mongo_client: MongoClient[Any]) -> Iterator[Database[Any]]:
    """An empty database of its own for each test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield mongo_client[name]
    mongo_client.drop_database(name)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestBroker]:
    """A broker that nobody restarts."""
    with TestBroker(tmp_path_factory.mktemp("kafka"), heap_mb=HEAP_MB) as broker:
        yield broker


@pytest.fixture(scope="session")
def certificate(kafka: TestBroker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of what the broker's guarded listener shows."""
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    file.write_text(kafka.certificate())
    return file


@pytest.fixture(scope="session")
def connect(tmp_path_factory: pytest.TempPathFactory, kafka: TestBroker) -> Iterator[ConnectWorker]:
    """A Connect worker, with Debezium, that nobody restarts."""
    folder = tmp_path_factory.mktemp("connect")
    with ConnectWorker(folder, bootstrap_servers=kafka.bootstrap_servers, heap_mb=HEAP_MB) as worker:
        yield worker


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Store]:
    """An object store that nobody restarts, with a bucket."""
    with local_store(tmp_path_factory.mktemp("s3")) as store:
        yield store
