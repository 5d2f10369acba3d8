"""A world for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planner.worlds import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A project with the pipeline ``orders``, nothing applied."""
    world = World(tmp_path)
    world.target()
    world.spec()
    return world
