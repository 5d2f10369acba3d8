from __future__ import annotations

from pathlib import Path

import pytest

from tests.lake.changes import Change
from tests.query.lakes import SmallLake


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    """An empty lake."""
    return SmallLake(tmp_path)


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """Two documents folded, then one changed, one deleted and one made; nobody writes to it any more."""
    lake = SmallLake(tmp_path_factory.mktemp("orders"))
    lake.append(
        [
            Change("a", 1, "c", values={"n": 1, "place": {"city": "Oslo"}}),
            Change("b", 2, "c", values={"n": 2, "place": None}),
        ]
    )
    lake.fold()
    lake.append(
        [
            Change("a", 3, "u", values={"n": 3, "place": {"city": "Bergen"}}),
            Change("b", 4, "d"),
            Change("c", 5, "c", values={"n": 5}),
        ]
    )
    return lake
