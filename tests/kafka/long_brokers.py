"""One of three brokers is killed while two workers read and a producer writes: the table goes on (INV-1, 2).

``make brokers`` runs it; the suite does not: three brokers and three recoveries take a busy machine over a minute.
"""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from engine.stack.kafka import KafkaCluster
from tests.faults.nursery import Nursery
from tests.faults.running import Running
from tests.kafka.project import KafkaProject
from tests.kafka.test_kafka_kills import Writer
from tests.kafka.topic import Collection, KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault]

HEAP_MB = 256
IN_SYNC = {"min.insync.replicas": "2"}
"""A write that was acknowledged is on a broker that lives, whichever is killed."""
PATIENCE_S = 120.0
LAST_WORDS = 4000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    with KafkaCluster.of(tmp_path_factory.mktemp("brokers"), 3, heap_mb=HEAP_MB) as started:
        yield started
        for node in started.nodes:
            node.kill()  # two of them that stop in good order wait for each other


def test_a_table_goes_on_while_one_of_three_brokers_is_dead(
    tmp_path: Path, cluster: KafkaCluster, nursery: Nursery, second_nursery: Nursery
) -> None:
    servers = cluster.bootstrap_servers
    # Batches that outrun the writer: of a backlog, a client hands on one partition after the other.
    project = KafkaProject(tmp_path, servers, f"t{uuid.uuid4().hex[:12]}", max_rows=1000)
    project.write()
    project.create()
    topic = KafkaTopic(servers, project.topic, copies=3, **IN_SYNC)
    topic.create()
    writer = Writer(topic, Collection())
    writer.start()
    with ExitStack() as stack:
        workers = [project.start("run", nursery=one) for one in (nursery, second_nursery)]
        for worker in workers:
            stack.callback(worker.kill)
        wait_for_more_rows(project, writer, workers)

        cluster.nodes[0].kill()  # it leads a partition: there are more of these than nodes

        wait_for_more_rows(project, writer, workers)
        writer.finish()
        for worker in workers:
            worker.send(signal.SIGTERM)
            assert worker.wait() == 0, worker.text
    project.catch_up(nursery)
    assert project.problems(writer.events, writer.collection) == []


def wait_for_more_rows(project: KafkaProject, writer: Writer, workers: Sequence[Running]) -> None:
    """Until the table has got on in every partition."""
    before, until = project.position(), time.monotonic() + PATIENCE_S
    while not all(project.position().get(f"kafka.{one}", 0) > before.get(f"kafka.{one}", 0) for one in range(4)):
        assert writer.is_alive(), "the topic takes no messages any more"
        if time.monotonic() > until:
            told = "\n\n".join(worker.text[-LAST_WORDS:] for worker in workers)
            pytest.fail(f"the table got from {before} to {project.position()} and no further:\n{told}")
        time.sleep(0.2)
