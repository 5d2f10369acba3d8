"""What the tests of the Kafka transport share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.stack.kafka import KafkaBroker
from tests.faults.nursery import Nursery
from tests.kafka.project import KafkaProject
from tests.kafka.topic import KafkaTopic


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Starts `oplake` processes in milliseconds."""
    with Nursery() as one:
        yield one


@pytest.fixture(scope="module")
def second_nursery() -> Iterator[Nursery]:
    """Another one, for a second process at the same time."""
    with Nursery() as one:
        yield one


@pytest.fixture
def project(tmp_path: Path, kafka: KafkaBroker) -> KafkaProject:
    """One pipeline over one collection, on a Kafka target of its own; its tables are there and empty."""
    made = KafkaProject(tmp_path, kafka.bootstrap_servers, f"t{uuid.uuid4().hex[:12]}")
    made.write()
    return made


@pytest.fixture
def topic(kafka: KafkaBroker, project: KafkaProject) -> Iterator[KafkaTopic]:
    """The collection's topic with four partitions."""
    with KafkaTopic(kafka.bootstrap_servers, project.topic) as made:
        yield made
