"""Questions to the brokers, and clients that get no answer (INV-2)."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient, TopicDescription

from engine.errors import SourceUnreachable
from engine.source import kafka_topic
from engine.source.kafka_topic import TopicView
from engine.stack.ports import free_port


def test_a_client_that_got_no_answer_asks_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[AdminClient] = []

    class Listening(AdminClient):
        def describe_topics(self, topics: TopicCollection, **options: float) -> dict[str, Future[TopicDescription]]:
            asked.append(self)
            return super().describe_topics(topics, **options)

    monkeypatch.setattr(kafka_topic, "AdminClient", Listening)
    monkeypatch.setattr(kafka_topic, "TIMEOUT_S", 0.2)
    view = TopicView("things", {"bootstrap.servers": f"127.0.0.1:{free_port()}"})

    for _ in range(2):
        with pytest.raises(SourceUnreachable):
            view.describe()

    first, second = asked
    assert first is not second
