from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from engine.stack.kafka import KafkaBroker, KafkaCluster

pytestmark = [pytest.mark.server, pytest.mark.kafka]
HEAP_MB = 256


def create_topic(bootstrap_servers: str, topic: str, copies: int = 1) -> None:
    settings = {"min.insync.replicas": str(max(1, copies - 1))}
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    admin.create_topics([NewTopic(topic, 1, copies, config=settings)])[topic].result(30)


def send(bootstrap_servers: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all", "message.timeout.ms": 60_000})
    failures: list[object] = []
    producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(60) == 0
    assert failures == []


def read(bootstrap_servers: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "test"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes | None] = []
    for _ in range(60):
        values += [message.value() for message in consumer.consume(count, 1) if message.error() is None]
        if len(values) >= count:
            break
    consumer.close()
    return values


def test_a_killed_broker_starts_again_with_its_messages(tmp_path: Path) -> None:
    broker = KafkaBroker(tmp_path, heap_mb=HEAP_MB)
    with broker:
        create_topic(broker.address, "t")
        send(broker.address, "t", b"before")
        broker.kill()
        assert broker.pid is None
        assert not broker.is_healthy
        broker.start()
        send(broker.address, "t", b"after")
        assert read(broker.address, "t", 2) == [b"before", b"after"]
    assert broker.pid is None


def test_a_server_is_found_again_by_another_process_and_stopped(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path, heap_mb=HEAP_MB) as broker:
        found = KafkaBroker(tmp_path, port=broker.port)
        assert found.pid == broker.pid
        assert found.is_healthy
        found.stop()
        assert broker.pid is None


def test_three_nodes_keep_a_message_when_one_is_killed(tmp_path: Path) -> None:
    with KafkaCluster.of(tmp_path, 3, heap_mb=HEAP_MB) as cluster:
        create_topic(cluster.bootstrap_servers, "t", copies=3)
        send(cluster.bootstrap_servers, "t", b"with three")
        cluster.nodes[0].kill()
        left = ",".join(node.address for node in cluster.nodes[1:])
        send(left, "t", b"with two")
        assert read(left, "t", 2) == [b"with three", b"with two"]


@pytest.mark.timeout(300)
def test_brokers_whose_controllers_are_gone_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KafkaBroker, "stop_timeout_s", 3600.0)
    cluster = KafkaCluster.of(tmp_path, 3, heap_mb=HEAP_MB)
    with cluster:
        cluster.nodes[0].kill()
        cluster.nodes[1].stop()
    assert [node.pid for node in cluster.nodes] == [None] * 3
