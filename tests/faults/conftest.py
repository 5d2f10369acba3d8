"""What the fault tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.stack.mongodb import MongoServer
from tests.faults.nursery import Nursery


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Starts `oplake` processes in milliseconds."""
    with Nursery() as one:
        yield one


@pytest.fixture(scope="module")
def long_oplog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of a file's own that keeps many changes: it looks through all of them for whoever opens a stream."""
    with MongoServer(tmp_path_factory.mktemp("mongodb"), oplog_entries=30_000) as server:
        yield server.uri
