"""Looking at many topics and connectors takes few requests, and what a test has recorded of Connect is still so."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from engine.resources.connect_rest import ConnectRest
from engine.resources.kafka_admin import BATCH, REQUESTS, KafkaAdmin
from tests.patience import wait_until
from tests.resources.recorded_connect import LISTING, recorded
from tests.transport.conftest import Servers

pytestmark = [pytest.mark.kafka, pytest.mark.server]
TOPICS = [f"many-{number}" for number in range(2 * BATCH + 50)]


@pytest.fixture
def many(servers: Servers) -> Iterator[None]:
    admin = AdminClient({"bootstrap.servers": servers.bootstrap})
    for made in admin.create_topics([NewTopic(name, 1, 1) for name in TOPICS]).values():
        made.result(60)
    yield
    for gone in admin.delete_topics(TOPICS).values():
        gone.result(60)


class Counting:
    """A client's method, with how often it was called and how many of its answers were awaited at once."""

    def __init__(self, ask: Callable[..., dict[Any, Any]]) -> None:
        self._ask, self._lock, self._open = ask, threading.Lock(), 0
        self.calls = self.most_at_once = 0

    def __call__(self, *arguments: object, **options: object) -> dict[Any, Any]:
        with self._lock:
            self.calls += 1
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        answers = self._ask(*arguments, **options)
        list(answers.values())[-1].add_done_callback(self._answered)
        return answers

    def _answered(self, _: object) -> None:
        with self._lock:
            self._open -= 1


@pytest.mark.usefixtures("many")
def test_topics_are_asked_about_by_the_hundred(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = KafkaAdmin({"bootstrap.servers": servers.bootstrap})
    asked = {name: Counting(getattr(admin._client, name)) for name in ("describe_topics", "describe_configs")}
    for name, counting in asked.items():
        monkeypatch.setattr(admin._client, name, counting, raising=False)
    found = admin.topics([*TOPICS, "many-none"])
    assert set(found) == set(TOPICS)
    assert {one.config["cleanup.policy"] for one in found.values()} == {"delete"}
    assert [one.calls for one in asked.values()] == [3, 3]
    assert all(one.most_at_once <= REQUESTS for one in asked.values())


def test_nobody_lists_the_topics_of_others_to_look_at_one_make_it_or_delete_it(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, name = KafkaAdmin({"bootstrap.servers": servers.bootstrap}), f"one-{uuid.uuid4().hex}"

    def listing(*_: object, **__: object) -> None:
        pytest.fail("all topics were listed")

    monkeypatch.setattr(admin._client, "list_topics", listing, raising=False)
    assert admin.topics([name]) == {}
    admin.create(name, 2, 1, {})
    wait_until(lambda: bool(admin.topics([name])))
    assert admin.topics([name, name])[name].partitions == 2
    admin.delete(name)
    assert admin.topics([name]) == {}


def test_the_recorded_connect_answers_as_the_real_one_does(servers: Servers, mongo: str) -> None:
    name = "recorded.one"
    config = dict(recorded("GET /connectors/NAME/config", name)[1]) | {"mongodb.connection.string": mongo}
    rest = ConnectRest(servers.connect)
    rest.create_stopped(name, config)
    try:
        wait_until(lambda: rest.status(name) is not None)
        with httpx.Client(base_url=servers.connect) as client:
            listing = client.get("/connectors?expand=info&expand=status").json()[name]
            names = client.get("/connectors").json()
            unknown = client.get("/connectors/nobody/status")
        assert rest.config(name) == config
    finally:
        rest.delete(name)
    expected = recorded(LISTING, name)[1][name]
    expected["info"]["config"] = config
    expected["status"]["connector"]["worker_id"] = servers.connect.removeprefix("http://")
    assert listing == expected
    assert name in names
    assert (unknown.status_code, unknown.json()) == recorded("GET /connectors/NAME/status", "nobody")
