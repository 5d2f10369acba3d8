"""Fixtures that start real servers, each once for a worker of the test run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from engine.stack.mongodb import MongoServer
from tests.examples import load_profile

load_profile()


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A MongoDB-protocol server that nobody restarts."""
    with MongoServer(tmp_path_factory.mktemp("mongodb")) as server:
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
