"""Worlds with a Kafka target: their specs and their plans."""

from __future__ import annotations

from typing import Any

from engine.planner.steps import steps_of
from tests.planner.worlds import World

TOPIC = "local.orders.shop.orders"
CONNECTOR = "local.orders"
PASSWORD = "correct-horse-battery-staple"  # noqa: S105 - a secret for the test to look for
URI = f"mongodb://user:{PASSWORD}@127.0.0.1:1/"


def target(world: World, **kafka: Any) -> None:  # noqa: ANN401 - whatever a spec may hold
    servers = {"bootstrap_servers": "b:9092", "connect_url": "http://c:8083"}
    world.target(URI, transport={"kafka": servers | kafka})


def source(world: World, *collections: str, **more: Any) -> None:  # noqa: ANN401 - the same
    world.pipeline("orders", {"source": {"collections": list(collections), **more}, "table": {}})
    world.source.counts |= dict.fromkeys(collections, 2)


def steps(world: World) -> list[str]:
    plan = world.plan()
    titles = {change.address: change.title for change in plan.changes}
    return [f"{step.verb} {titles[step.address]}" for step in steps_of(plan)]


def own_template(world: World, text: str) -> None:
    path = world.root / "templates" / "debezium-mongodb.json.j2"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
