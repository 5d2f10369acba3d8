"""How long a plan looks at a thousand topics and a thousand connectors, on a real Kafka and a real Kafka Connect.

python -m tests.benchmarks.observe [--count 1000]

The connectors are stopped ones: a thousand tasks are no matter for one worker, and Connect tells their configuration
and state all the same. Exits with 1 when it takes longer than the promised five seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from engine.resources.asked import Asked
from engine.resources.connect_rest import ConnectRest
from engine.resources.connector import ConnectorKind
from engine.resources.connector_desired import connector_of, render
from engine.resources.kafka_admin import KafkaAdmin
from engine.resources.kafka_client import client_config
from engine.resources.resource import Desired, Kind, Observed, Sides
from engine.resources.topic import TopicKind
from engine.spec.pipeline import Pipeline
from engine.spec.target import Kafka, Target
from engine.stack.connect import ConnectWorker
from engine.stack.kafka import KafkaBroker
from engine.stack.mongodb import MongoServer

PROMISED_S = 5.0
REPEATS = 9
MAKERS = 8


def main() -> int:
    """0 when the promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="topics, and connectors")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder, _servers(Path(folder)) as target:
        kafka = target.transport.kafka
        assert kafka is not None
        topics = TopicKind(KafkaAdmin(client_config(kafka)))
        connectors = ConnectorKind(target, kafka, ConnectRest(kafka.connect_url.resolved()))
        started = time.monotonic()
        wanted = _make(target, kafka, count)
        print(f"made {count} topics and {count} connectors in {time.monotonic() - started:.0f} s", file=sys.stderr)
        seconds = [_look(topics, connectors, wanted) for _ in range(REPEATS)]
    median = statistics.median(seconds)
    print(
        f"{count} topics and {count} connectors observed in {median:.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
    )
    return 0 if median < PROMISED_S else 1


@contextlib.contextmanager
def _servers(folder: Path) -> Iterator[Target]:
    with (
        MongoServer(folder / "mongodb") as mongodb,
        KafkaBroker(folder / "kafka") as broker,
        ConnectWorker(folder / "connect", bootstrap_servers=broker.bootstrap_servers) as connect,
    ):
        at = {"bootstrap_servers": broker.bootstrap_servers, "connect_url": connect.url}
        topic = {"partitions": 1, "replication_factor": 1}
        body = {"target": "bench", "mongodb": {"uri": mongodb.uri}, "lake": {"uri": "lake"}}
        yield Target.model_validate(body | {"transport": {"kafka": at | {"topic": topic}}})


def _make(target: Target, kafka: Kafka, count: int) -> Mapping[str, Mapping[str, Sides]]:
    admin, rest = KafkaAdmin(client_config(kafka)), ConnectRest(kafka.connect_url.resolved())
    topics: dict[str, Sides] = {}
    connectors: dict[str, Sides] = {}

    def make(number: int) -> None:
        pipeline = Pipeline.model_validate({"pipeline": f"p{number}", "source": {"collections": ["shop.orders"]}})
        asked = Asked(target, pipeline, ("shop.orders",), Path())
        topic = next(iter(TopicKind(admin).desired(asked, ())))
        config = {path.removeprefix("config."): str(v) for path, v in topic.attributes.items() if "config." in path}
        admin.create(topic.title, 1, 1, config)
        topics[topic.address] = Sides(topic, None)
        rendering = render(asked, kafka)
        wanted = connector_of(asked, kafka, rendering, ())
        rest.create_stopped(wanted.title, rendering.raw)
        connectors[wanted.address] = Sides(_stopped(wanted), None)

    with ThreadPoolExecutor(MAKERS) as pool:
        list(pool.map(make, range(count)))
    return {"topic": topics, "connector": connectors}


def _stopped(wanted: Desired) -> Desired:
    return replace(wanted, attributes={**wanted.attributes, "state": "stopped"})


def _look(topics: Kind, connectors: Kind, wanted: Mapping[str, Mapping[str, Sides]]) -> float:
    """Seconds; both are looked at, and everything has to be as it was made."""
    started = time.perf_counter()
    found = {"topic": topics.observe_all(wanted["topic"])}
    halfway = time.perf_counter()
    found["connector"] = connectors.observe_all(wanted["connector"])
    seconds = time.perf_counter() - started
    print(f"  topics {halfway - started:.2f} s, connectors {started + seconds - halfway:.2f} s", file=sys.stderr)
    compare: Mapping[str, Callable[[Desired | None, None, Observed], object]] = {
        "topic": topics.compare,
        "connector": connectors.compare,
    }
    for kind, of_kind in found.items():
        for address, observed in of_kind.items():
            change = compare[kind](wanted[kind][address].desired, None, observed)
            paths = getattr(change, "paths", None)
            assert observed.exists, address
            assert paths == (), f"{address}: {paths}"
    return seconds


if __name__ == "__main__":
    sys.exit(main())
