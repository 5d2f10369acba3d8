"""Whatever the specs: after an apply the plan is empty, and one apply leads from any specs to any others."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.planner.plan import read_plan
from tests.examples import examples
from tests.planner.worlds import World

NAMES = ("orders", "users", "events")
FIELDS = ("n", "place.city", "country", "other.deep", "e mail")
RULES = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "int32", "double", "json", "list<string>"])}),
    st.just({"as": "map"}),
    st.fixed_dictionaries({"mask": st.sampled_from(["sha256", "redact", "drop"])}),
)
DURATIONS = st.sampled_from(["1h", "36h", "7d", "90d", "90m"])


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """The ``table`` of a pipeline, with any of its keys."""
    fields = draw(st.dictionaries(st.sampled_from(FIELDS), RULES, max_size=3))
    if draw(st.booleans()):
        fields["country"] = {"type": "string"}
    partitions = [["_ingestion_date"], []]
    if fields.get("country", {}).get("type") in {"string", "int32", "double"}:
        partitions += [["country"], ["_ingestion_date", "country"]]
    return {
        "mode": draw(st.sampled_from(["current", "history", "changes"])),
        "fields": fields,
        "partition_by": draw(st.sampled_from(partitions)),
        "on_conflict": draw(st.sampled_from(["rescue", "widen", "fail"])),
        "fold": {"every": draw(DURATIONS)},
        "maintenance": {"vacuum": {"retain": draw(DURATIONS)}},
    }


PROJECTS = st.dictionaries(st.sampled_from(NAMES), tables(), min_size=1, max_size=3)


def write(world: World, project: dict[str, dict[str, Any]]) -> None:
    for name in NAMES:
        (world.root / "specs" / "pipelines" / f"{name}.yaml").unlink(missing_ok=True)
    for name, table in project.items():
        world.spec(name, **table)
        world.source.counts[f"shop.{name}"] = 3


VALUES = st.recursive(
    st.one_of(st.integers(-5, 5), st.text("ab", max_size=2), st.booleans(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["city", "deep"]), inner, max_size=2),
    max_leaves=4,
)
DOCUMENTS = st.lists(
    st.dictionaries(st.sampled_from(["n", "place", "country", "other", "e mail", "N"]), VALUES, max_size=5), max_size=4
)


@settings(max_examples=examples(15), deadline=None)
@given(st.lists(PROJECTS, min_size=1, max_size=3), DOCUMENTS)
def test_a_plan_after_an_apply_is_empty(
    projects: list[dict[str, dict[str, Any]]], documents: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.target()
        world.source.documents_shown = documents
        for project in projects:
            write(world, project)
            plan = world.plan()
            assert not plan.errors
            assert not plan.drifted
            assert read_plan(plan.to_text()).digest == plan.digest
            world.apply(allow_replace=True)
            again = world.plan()
            assert again.is_empty, again.pending
            modes = {name: table["mode"] for name, table in project.items()}
            assert tables_on_disk(world) == expected_tables(modes)


def tables_on_disk(world: World) -> set[str]:
    lake = world.root / "lake"
    return {path.parent.relative_to(lake).as_posix() for path in lake.glob("*/*/_delta_log")}


def expected_tables(modes: dict[str, str]) -> set[str]:
    return {f"{name}/changes" for name in modes} | {f"{name}/{mode}" for name, mode in modes.items()}
