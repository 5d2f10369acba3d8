"""No byte of a secret reaches the plan, the state or anything that is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.planner.explain import explain
from tests.planner.worlds import World

PASSWORD = "correct-horse-battery-staple"  # noqa: S105 - a secret for the test to look for


@pytest.mark.parametrize("reference", [PASSWORD, "${env:OPLAKE_TEST_PASSWORD}", "${file:FILE}"])
def test_a_secret_stays_out_of_plan_and_state(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    secret_file = tmp_path / "outside" / "password"
    secret_file.parent.mkdir()
    secret_file.write_text(PASSWORD)
    monkeypatch.setenv("OPLAKE_TEST_PASSWORD", PASSWORD)
    reference = reference.replace("FILE", str(secret_file))
    world.target(f"mongodb://user:{reference}@127.0.0.1:1/")
    plan = world.plan()
    world.apply_file(plan.to_text())
    world.target(f"mongodb://user:{reference}@127.0.0.1:2/")
    changed = world.plan()
    world.apply()
    printed = "".join(map(explain, (plan, changed))) + plan.to_text() + changed.to_text()
    assert PASSWORD not in printed
    for path in [*(world.root / ".oplake").rglob("*"), *(world.root / "lake").rglob("*")]:
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path
