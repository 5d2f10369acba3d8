"""Topics are found where Debezium puts them."""

from __future__ import annotations

import pytest

from engine.spec.kafka_names import connector_name, heartbeat_topic, sanitized, topic_name, transaction_topic
from engine.spec.pipeline import Pipeline
from engine.spec.target import Target

KAFKA = {"bootstrap_servers": "b:9092", "connect_url": "http://c:8083"}


def target(**kafka: str) -> Target:
    body = {"target": "prod", "mongodb": {"uri": "m"}, "lake": {"uri": "l"}, "transport": {"kafka": KAFKA | kafka}}
    return Target.model_validate(body)


def pipeline(name: str) -> Pipeline:
    return Pipeline.model_validate({"pipeline": name, "source": {"collections": ["shop.orders"]}})


def test_a_pipeline_has_topics_of_its_own() -> None:
    names = {topic_name(target(), pipeline(name), "shop.orders") for name in ("orders", "orders_history")}
    assert names == {"prod.orders.shop.orders", "prod.orders_history.shop.orders"}


def test_a_target_may_choose_what_its_topics_begin_with() -> None:
    chosen = target(topic_prefix="cdc-eu")
    assert topic_name(chosen, pipeline("orders"), "shop.orders") == "cdc-eu.orders.shop.orders"
    assert connector_name(chosen, pipeline("orders")) == "cdc-eu.orders"
    assert heartbeat_topic(chosen, pipeline("orders")) == "__debezium-heartbeat.cdc-eu.orders"
    assert transaction_topic(chosen, pipeline("orders")) == "cdc-eu.orders.transaction"


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("shop.a b", "shop.a_b"),
        ("shop.a.b-c_d", "shop.a.b-c_d"),
        ("shop.köln", "shop.k_ln"),
        ("shop.\U0001f600", "shop.__"),
        ("x" * 300, "x" * 249),
    ],
)
def test_what_kafka_does_not_allow_becomes_an_underscore(name: str, topic: str) -> None:
    assert sanitized(name) == topic
