"""A plan file is carried out exactly as it was shown, or not at all."""

from __future__ import annotations

import json
import shutil

import pytest
from deltalake import DeltaTable

from engine.errors import PlanRefused
from engine.planner.plan import read_plan
from engine.spec.types import Scalar, Struct
from tests.planner.worlds import World


def test_a_plan_survives_its_file(world: World) -> None:
    plan = world.plan()
    again = read_plan(plan.to_text())
    assert again.to_text() == plan.to_text()
    assert again.digest == plan.digest


def test_a_fresh_plan_is_carried_out(world: World) -> None:
    text = world.plan().to_text()
    assert world.apply_file(text).steps == 2
    assert world.plan().is_empty


def test_a_plan_that_was_carried_out_is_stale(world: World) -> None:
    text = world.plan().to_text()
    world.apply_file(text)
    with pytest.raises(PlanRefused, match=r"table.orders.log: exists was false, is true") as caught:
        world.apply_file(text)
    assert "oplake plan --out" in caught.value.remedy


def test_a_changed_spec_makes_a_plan_stale_and_is_named(world: World) -> None:
    text = world.plan().to_text()
    world.spec(on_conflict="fail")
    with pytest.raises(PlanRefused, match=r"pipeline orders: table.on_conflict was rescue, is fail"):
        world.apply_file(text)
    assert not (world.root / "lake").exists()


def test_a_changed_target_makes_a_plan_stale_without_showing_secrets(world: World) -> None:
    text = world.plan().to_text()
    world.target("mongodb://user:hunter2@elsewhere:1/")
    with pytest.raises(PlanRefused, match=r"target local: mongodb.uri was") as caught:
        world.apply_file(text)
    assert "hunter2" not in str(caught.value)


def test_a_new_pipeline_makes_a_plan_stale(world: World) -> None:
    text = world.plan().to_text()
    world.spec("users")
    with pytest.raises(PlanRefused, match="pipeline users is new"):
        world.apply_file(text)


def test_a_new_collection_under_a_wildcard_makes_a_plan_stale(world: World) -> None:
    world.pipeline("orders", {"source": {"collections": ["shop.*"]}})
    text = world.plan().to_text()
    world.source.counts["shop.users"] = 1
    with pytest.raises(PlanRefused, match=r"source: orders was \[shop.orders\], is \[shop.orders, shop.users\]"):
        world.apply_file(text)


def test_a_changed_template_makes_a_plan_stale(world: World) -> None:
    template = world.root / "templates" / "connector.json.j2"
    template.parent.mkdir()
    template.write_text("{}")
    text = world.plan().to_text()
    template.write_text("{ }")
    with pytest.raises(PlanRefused, match=r"templates/connector.json.j2 has changed"):
        world.apply_file(text)


def test_a_table_altered_since_makes_a_plan_stale_and_is_named(world: World) -> None:
    world.apply()
    world.spec(on_conflict="fail")
    text = world.plan().to_text()
    DeltaTable(world.uri("orders/current")).alter.set_table_properties(
        {"delta.logRetentionDuration": "interval 1 days"}
    )
    with pytest.raises(PlanRefused, match=r"table.orders.fold: properties.delta.logRetentionDuration was .* 30 days"):
        world.apply_file(text)


def test_an_apply_in_between_makes_a_plan_stale(world: World) -> None:
    world.apply()
    world.spec(on_conflict="fail")
    text = world.plan().to_text()
    world.spec(on_conflict="widen")
    world.apply()
    world.spec(on_conflict="fail")
    with pytest.raises(PlanRefused, match=r"table.orders.log was applied since"):
        world.apply_file(text)


def test_a_lost_state_makes_a_plan_stale(world: World) -> None:
    world.apply()
    world.spec(on_conflict="fail")
    text = world.plan().to_text()
    shutil.rmtree(world.root / ".oplake")
    with pytest.raises(PlanRefused, match="stale"):
        world.apply_file(text)


def test_numbers_that_vary_by_nature_do_not_make_a_plan_stale(world: World) -> None:
    world.apply()
    world.spec(maintenance={"vacuum": {"retain": "90d"}})
    text = world.plan().to_text()
    world.fill(7)
    world.source.counts["shop.orders"] = 12_345
    world.source.documents_shown = [{"new": "x"}]
    assert world.apply_file(text).steps == 2


def test_a_column_that_a_pin_is_about_makes_a_plan_stale_when_it_appears(world: World) -> None:
    world.source.documents_shown = []
    world.apply()
    world.spec(fields={"late": {"type": "string"}})
    text = world.plan().to_text()
    from engine.lake.change_log import ChangeLog  # noqa: PLC0415 - only here

    ChangeLog.open(world.uri("orders/changes")).evolve(Struct({"late": Scalar.INT32}))
    with pytest.raises(PlanRefused, match=r"column late was .not set., is int32"):
        world.apply_file(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", '{"format": 99}', "{" * 1000])
def test_a_file_that_is_no_plan_is_refused(world: World, text: str) -> None:
    with pytest.raises(PlanRefused) as caught:
        world.apply_file(text)
    assert caught.value.where == "plan.json"


def test_a_plan_that_somebody_edited_is_refused(world: World) -> None:
    body = json.loads(world.plan().to_text())
    body["changes"][0]["desired"]["uri"] = "/somewhere/else/changes"
    with pytest.raises(PlanRefused, match="edited"):
        world.apply_file(json.dumps(body))


def test_a_plan_may_be_printed_with_other_blanks(world: World) -> None:
    body = json.loads(world.plan().to_text())
    assert world.apply_file(json.dumps(body, indent=4)).steps == 2


def test_a_plan_file_that_deletes_rows_needs_leave_as_well(world: World) -> None:
    world.apply()
    world.spec(partition_by=[])
    text = world.plan().to_text()
    with pytest.raises(PlanRefused, match="deletes data"):
        world.apply_file(text)
    assert world.apply_file(text, allow_replace=True).steps == 4
