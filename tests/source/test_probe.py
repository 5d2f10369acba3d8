from __future__ import annotations

from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandListener, CommandStartedEvent

from engine.source import probe

pytestmark = pytest.mark.server


class Asked(CommandListener):
    """The databases whose collections were asked for, each as often as it was."""

    def __init__(self) -> None:
        self.databases: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "listCollections":
            self.databases.append(event.database_name)

    def succeeded(self, event: object) -> None:
        """Nothing."""

    failed = succeeded


def test_names_and_globs_become_collections(database: Database[Any]) -> None:
    for name in ("orders_2024", "orders_2025", "users"):
        database[name].insert_one({})
    client, name = database.client, database.name
    assert probe.collections(client, [f"{name}.orders_*"]) == [f"{name}.orders_2024", f"{name}.orders_2025"]
    assert probe.collections(client, [f"{name}.user?", f"{name}.not_yet"]) == [f"{name}.not_yet", f"{name}.users"]
    assert probe.collections(client, ["test_*.users"]).count(f"{name}.users") == 1
    assert not [found for found in probe.collections(client, ["*.*"]) if found.startswith(("local.", "admin."))]
    assert probe.exists(client, f"{name}.users")
    assert not probe.exists(client, f"{name}.not_yet")


def test_collections_are_asked_for_by_their_names_in_one_request_a_database(
    mongo: str, database: Database[Any]
) -> None:
    for number in range(5):
        database[f"c{number}"].insert_one({})
    names = [f"{database.name}.c{number}" for number in range(500)]
    asked = Asked()
    with MongoClient[Any](mongo, event_listeners=[asked]) as client:
        found = probe.existing(client, [*names, "nobody.c", f"{database.name}.not_*"])
    assert sorted(found) == names[:5]
    assert sorted(asked.databases) == sorted([database.name, "nobody"])


def test_a_sample_shows_both_ends_and_is_the_same_each_time(database: Database[Any]) -> None:
    database["c"].insert_many([{"_id": number} for number in range(100)])
    sample = probe.sample(database.client, f"{database.name}.c", 10)
    assert [bson.decode(document)["_id"] for document in sample] == [0, 1, 2, 3, 4, 95, 96, 97, 98, 99]
    assert probe.sample(database.client, f"{database.name}.c", 10) == sample
    assert len(probe.sample(database.client, f"{database.name}.c", 1000)) == 100


def test_the_deployment_tells_what_a_plan_needs(database: Database[Any]) -> None:
    database["c"].insert_many([{} for _ in range(3)])
    assert probe.can_stream(database.client) is None
    assert probe.estimated_count(database.client, f"{database.name}.c") == 3
    window = probe.oplog_window_hours(database.client)
    assert window is not None
    assert window >= 0
