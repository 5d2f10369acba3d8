"""`oplake run --workers N --health-port`: the supervisor answers for all its processes."""

from __future__ import annotations

import psutil
import pytest

from engine.stack.ports import free_port
from tests.kafka.project import KafkaProject
from tests.kafka.test_kafka_processes import pids, wait_until
from tests.kafka.topic import Collection, KafkaTopic
from tests.runtime.test_health import get, is_ready, values

pytestmark = [pytest.mark.server, pytest.mark.kafka]


@pytest.mark.fault
def test_the_totals_of_all_workers_stay_when_one_is_killed(project: KafkaProject, topic: KafkaTopic) -> None:
    collection = Collection()
    project.create()
    events = collection.changes(200)
    topic.write(events)
    port = free_port()
    running = project.start("run", "--workers", "2", "--health-port", str(port))
    wait_until(lambda: is_ready(port), running)
    wait_until(lambda: values(port)["oplake_events_total"] == 200, running)
    assert values(port)["oplake_worker_processes"] == 2

    psutil.Process(pids(running)[0]).kill()
    wait_until(lambda: not is_ready(port), running)
    wait_until(lambda: is_ready(port), running)
    topic.write(collection.changes(100))
    wait_until(lambda: values(port)["oplake_events_total"] == 300, running)

    # A worker that has just got a partition tells its lag after the next look at the topic.
    wait_until(lambda: len(lags(port)) == 4, running)
    assert values(port)["oplake_worker_restarts_total"] == 1
    running.process.terminate()  # type: ignore[union-attr]  # started as a process of its own
    assert running.wait() == 0, running.text


def lags(port: int) -> set[str]:
    """The partitions whose lag is told, as their labels."""
    told = get(port, "/metrics")
    assert told is not None
    return {line.partition(" ")[0] for line in told.text.splitlines() if line.startswith("oplake_lag_events{")}
