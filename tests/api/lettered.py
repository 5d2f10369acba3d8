"""A table of three rows, and a record of its topic that could not be decoded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from engine.lake.dead_letters import DeadLetters
from engine.lake.layout import dead_letters_uri
from engine.source.batch import Rejected
from tests.planner.worlds import World


def lettered_world(folder: Path, mongo: str) -> World:
    world = World(folder)
    world.target(mongo)
    world.spec()
    world.apply()
    world.fill(3)
    letter = Rejected("shop.orders", 0, 7, 1_795_521_600_000, b"key", b"value", "message-not-json", "why", 5)
    DeadLetters(dead_letters_uri(str(folder / "lake"), "orders")).keep([letter], datetime.now(UTC), 10)
    return world
