"""A member of a group reads its partitions from where it is told, however late a broker answers (INV-2)."""

from __future__ import annotations

import time
import uuid

import pytest

from engine.source.kafka_group import Membership
from tests.faults.kafka_proxy import Api, KafkaProxy
from tests.kafka.broker import TestBroker
from tests.kafka.topic import Collection, KafkaTopic

pytestmark = [pytest.mark.server, pytest.mark.kafka, pytest.mark.fault]

PATIENCE_S = 10.0
ASKED_AGAIN_AFTER_S = 0.5
"""How long librdkafka waits until it looks up a place again; it fetches nothing meanwhile."""


def offsets_up_to(last: int, member: Membership) -> list[int]:
    """The offsets of all records, in the order they come, until the last one."""
    found: list[int] = []
    until = time.monotonic() + PATIENCE_S
    while last not in found and time.monotonic() < until:
        found += [
            offset
            for message in member.read(100, 0.2)
            if message.error() is None and (offset := message.offset()) is not None
        ]
    return found


@pytest.fixture
def member(kafka: TestBroker, topic: KafkaTopic) -> Membership:
    """Not in the group before it reads."""
    settings = {"bootstrap.servers": f"127.0.0.1:{kafka.front_port}", "fetch.wait.max.ms": "10"}
    return Membership(topic.name, uuid.uuid4().hex, settings)


def test_no_record_is_jumped_over_when_a_broker_answers_late_where_a_partition_ends(
    kafka: TestBroker, topic: KafkaTopic, member: Membership
) -> None:
    """A partition that was taken at its end first, until its place is known, goes there again after the late answer."""
    collection = Collection()
    topic.write_to(0, collection.changes(30))
    with KafkaProxy(kafka.front_port, kafka.behind_front_port) as proxy:
        proxy.keep_back(Api.LIST_OFFSETS)
        while not member.moves:
            member.read(100, 0.2)

        member.rewind({0: 3} | dict.fromkeys(range(1, topic.partitions), 0))
        proxy.let_go()
        time.sleep(ASKED_AGAIN_AFTER_S / 2)
        topic.write_to(0, collection.changes(20))
        time.sleep(ASKED_AGAIN_AFTER_S)

        assert offsets_up_to(49, member) == list(range(3, 50))
        member.close()
