"""Kinds that a distribution adds: a real one, laid out as pip would, found through importlib.metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.datagen.changes import changes
from engine.datagen.documents import documents
from engine.datagen.kinds import kind_names
from engine.errors import UserError

MODULE = """
from faker.providers import BaseProvider
from engine.datagen.kind import Kind

class Hull(BaseProvider):
    def hull(self):
        return self.random_element(("steel", "oak", "teak"))

class Ships(Kind):
    def __init__(self, seeded):
        super().__init__(seeded)
        seeded.faker.add_provider(Hull)

    def document(self, index):
        return {"name": self.seeded.mimesis.person.surname(), "hull": self.seeded.faker.hull()}

class Numbered(Kind):
    def document(self, index):
        return {"_id": f"ship-{index}", "tonnes": self.seeded.random.randrange(100)}

def nothing(seeded):
    return 42
"""
ENTRIES = """
[oplake.generators]
ships = fleet_data:Ships
numbered = fleet_data:Numbered
nothing = fleet_data:nothing
gone = fleet_data:Gone
users = fleet_data:Ships
"""


@pytest.fixture(autouse=True)
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fleet_data.py").write_text(MODULE)
    info = tmp_path / "fleet_data-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fleet-data\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(tmp_path)


def test_an_installed_distribution_adds_a_kind() -> None:
    assert {"ships", "users", "orders"} <= set(kind_names())
    first, again = list(documents("ships", 50, 1, 0)), list(documents("ships", 50, 1, 0))
    assert first == again
    assert {document["hull"] for document in first} == {"steel", "oak", "teak"}
    assert list(first[0]) == ["_id", "name", "hull"]


def test_a_kind_may_bring_its_own_ids_and_is_changed_all_the_same() -> None:
    made = list(documents("numbered", 5, 1, 0))
    assert [document["_id"] for document in made] == [f"ship-{n}" for n in range(5)]
    done = list(changes("numbered", [document["_id"] for document in made], 40, 1, 0))
    assert next(c for c in done if c.kind == "insert").identity == "ship-5"
    assert all(set(c.body["$set"]) == {"tonnes"} for c in done if c.kind == "update" and c.body)


def test_a_built_in_kind_cannot_be_taken_over() -> None:
    assert "email" in next(documents("users", 1, 1, 0))


@pytest.mark.parametrize("name", ["nothing", "gone"])
def test_a_broken_generator_is_named(name: str) -> None:
    with pytest.raises(UserError, match=f"`{name}`") as caught:
        documents(name, 1, 1)
    assert f"oplake.generators:{name}" in caught.value.where
