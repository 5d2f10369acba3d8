"""The template that a connector is rendered from, and what Connect says of the result."""

from __future__ import annotations

import pytest

from engine.errors import PlanRefused
from engine.resources.connector_template import TemplateError
from tests.planner.brokers import Cluster
from tests.planner.kafka.worlds import CONNECTOR, PASSWORD, own_template
from tests.planner.worlds import World

MINIMAL = (
    '{"connector.class": "MongoDbConnector", "topic.prefix": {{ topic_prefix | tojson }}, "signal.kafka.topic": "s"}'
)


def test_what_connect_refuses_names_spec_line_template_line_and_setting(world: World, cluster: Cluster) -> None:
    cluster.workers.refuses = {"max.queue.size": ["Must be larger than the maximum batch size"]}
    text = "pipeline: orders\nsource:\n  collections: [shop.orders]\n  connector:\n    max_queue_size: 9\n"
    (world.root / "specs" / "pipelines" / "orders.yaml").write_text(text)
    (notice,) = world.plan().errors
    spec, template, setting = notice.where.split(" -> ")
    assert spec.endswith("pipelines/orders.yaml:5:21")
    assert template.startswith("templates/debezium-mongodb.json.j2:")
    assert setting == "max.queue.size"
    with pytest.raises(PlanRefused, match="larger than the maximum batch size"):
        world.apply()
    assert cluster.brokers.live == {}


def test_what_connect_fails_over_without_a_word_is_found_in_the_spec(world: World, cluster: Cluster) -> None:
    cluster.workers.breaks = "cursor.pipeline"
    text = (
        "pipeline: orders\nsource:\n  collections: [shop.orders]\n  connector:\n"
        "    max_queue_size: 9\n    config:\n      cursor.pipeline: none\n"
    )
    (world.root / "specs" / "pipelines" / "orders.yaml").write_text(text)
    (notice,) = world.plan().errors
    assert "fails over `cursor.pipeline`" in notice.what
    assert "pipelines/orders.yaml:7:7 -> " in notice.where


def test_what_connect_fails_over_and_no_spec_asks_for_is_told_as_it_is(world: World, cluster: Cluster) -> None:
    cluster.workers.breaks = "topic.prefix"
    (notice,) = world.plan().errors
    assert "does not say over which" in notice.what
    assert "stack trace" in notice.remedy


def test_a_project_may_have_a_template_of_its_own(world: World, cluster: Cluster) -> None:
    own_template(world, MINIMAL)
    world.apply()
    assert set(cluster.workers.live[CONNECTOR]) == {"connector.class", "topic.prefix", "signal.kafka.topic"}
    assert world.plan().is_empty


def test_another_template_makes_a_plan_stale(world: World) -> None:
    text = world.plan().to_text()
    own_template(world, MINIMAL)
    with pytest.raises(PlanRefused, match=r"templates/debezium-mongodb\.json\.j2 is new"):
        world.apply_file(text)


def test_a_literal_password_in_a_template_stays_out_of_the_plan(world: World, cluster: Cluster) -> None:
    own_template(world, '{"connector.class": "MongoDbConnector", "mongodb.password": "' + PASSWORD + '"}')
    plan = world.plan()
    world.apply_file(plan.to_text())
    assert PASSWORD not in plan.to_text()
    assert cluster.workers.live[CONNECTOR]["mongodb.password"] == PASSWORD
    assert world.plan().is_empty


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('{\n  "a": {{ settings.no_such_key }}\n}', 2, "no_such_key"),
        ('{\n  "a": {{ nobody }}\n}', 2, "nobody"),
        ('{\n  "a": {% if %}\n}', 2, "Expected an expression"),
        ('{\n  "a": 1,\n  "b": oops\n}', 3, "no JSON after `b`"),
        ('{\n  "a": 1,\n  "a": 2\n}', 2, "gives `a` twice"),
        ('{\n  "a": [1]\n}', 2, "neither text, a number"),
        ("[1]", None, "no mapping"),
        ('{% for n in range(90000) %}{{ "xxxxxxxxxx" }}{% endfor %}', None, "more than 131,072 characters"),
        ('{\n  "a": {{ settings.__class__.__mro__ }}\n}', 2, "unsafe"),
        ('{\n  "a": {{ collections.append("x") }}\n}', 2, "unsafe"),
    ],
)
def test_a_wrong_template_names_its_line(world: World, text: str, line: int | None, what: str) -> None:
    own_template(world, text)
    with pytest.raises(TemplateError, match=what) as caught:
        world.plan()
    assert caught.value.where == "templates/debezium-mongodb.json.j2" + (f":{line}" if line else "")
