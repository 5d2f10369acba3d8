"""Plans and applies against real tables on the disk."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from engine.errors import PlanRefused
from engine.planner.explain import explain
from engine.resources.change import Action, Cause
from engine.resources.columns import struct_from_json
from engine.state.lock import LockHeld
from tests.planner.worlds import World, decided

CREATE, UPDATE, REPLACE, DELETE = Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE


def rows(world: World, title: str) -> int:
    return int(pa.table(DeltaTable(world.uri(title)).scan()).num_rows)


def test_a_plan_of_a_new_pipeline_creates_the_log_and_what_is_folded_from_it(world: World) -> None:
    assert decided(world.plan()) == {"orders/changes": CREATE, "orders/current": CREATE}


def test_planning_leaves_no_trace(world: World) -> None:
    before = sorted(world.root.rglob("*"))
    world.plan()
    assert sorted(world.root.rglob("*")) == before


def test_a_second_plan_after_apply_is_empty(world: World) -> None:
    assert world.apply().steps == 2
    plan = world.plan()
    assert plan.is_empty
    assert "No changes: 2 tables as git asks." in explain(plan)


def test_an_apply_of_nothing_carries_out_nothing(world: World) -> None:
    world.apply()
    assert world.apply().steps == 0


@pytest.mark.parametrize(
    ("mode", "folder"),
    [("current", ["changes", "current"]), ("history", ["changes", "history"]), ("changes", ["changes"])],
)
def test_the_mode_decides_which_tables_there_are(world: World, mode: str, folder: list[str]) -> None:
    world.spec(mode=mode)
    world.apply()
    assert sorted(path.name for path in (world.root / "lake" / "orders").iterdir()) == folder
    assert world.plan().is_empty


def test_new_tables_have_the_sampled_columns_and_are_managed(world: World) -> None:
    world.spec(maintenance={"vacuum": {"retain": "14d"}}, fields={"n": {"type": "int64"}})
    world.apply()
    log = DeltaTable(world.uri("orders/changes"))
    assert log.metadata().configuration["delta.enableChangeDataFeed"] == "true"
    assert log.metadata().configuration["delta.deletedFileRetentionDuration"] == "interval 14 days"
    assert log.metadata().partition_columns == ["_ingestion_date"]
    assert {"n", "place", "_id", "_op"} <= {field.name for field in log.schema().fields}


def test_what_a_sample_told_never_becomes_a_later_difference(world: World) -> None:
    world.apply()
    world.source.documents_shown = [{"other": True}]
    world.source.counts["shop.orders"] = 999_999
    world.fill()
    assert world.plan().is_empty


def test_a_plan_shows_the_types_that_conflict_in_the_sample(world: World) -> None:
    assert "types differ: 10 int32, 1 string; 1 go to _rescued" in explain(world.plan())


def test_the_consequence_of_a_replace_is_told_in_rows_and_documents(world: World) -> None:
    world.apply()
    world.fill(3)
    world.spec(partition_by=["_ingestion_date"], fields={"n": {"type": "string"}})
    text = explain(world.plan())
    assert "deletes 3 rows of change history" in text
    assert "the next run copies about 5 documents of shop.orders" in text
    assert "Plan: 0 to create, 0 to change, 2 to replace, 0 to delete." in text


def test_a_replace_is_refused_until_it_is_allowed(world: World) -> None:
    world.apply()
    world.fill(3)
    world.spec(fields={"n": {"type": "string"}})
    with pytest.raises(PlanRefused, match="deletes 3 rows of change history") as caught:
        world.apply()
    assert "--allow-replace" in caught.value.remedy
    assert rows(world, "orders/changes") == 3
    world.apply(allow_replace=True)
    assert rows(world, "orders/changes") == 0
    assert world.plan().is_empty


def test_a_log_that_is_replaced_takes_what_is_folded_from_it_along(world: World) -> None:
    world.apply()
    world.fill(3)
    world.spec(partition_by=[])
    plan = world.plan()
    assert decided(plan) == {"orders/changes": REPLACE, "orders/current": REPLACE}
    world.apply(allow_replace=True)
    assert rows(world, "orders/current") == 0
    world.fill(2)
    assert rows(world, "orders/current") == 2


def test_a_partition_of_the_current_table_replaces_it_alone_and_it_is_folded_again(world: World) -> None:
    world.spec(fields={"country": {"type": "string"}})
    world.apply()
    world.fill(3)
    world.spec(fields={"country": {"type": "string"}}, partition_by=["_ingestion_date", "country"])
    plan = world.plan()
    assert decided(plan) == {"orders/current": REPLACE}
    assert "the next fold builds it from 3 rows of the change log" in explain(plan)
    world.apply(allow_replace=True)
    assert DeltaTable(world.uri("orders/current")).metadata().partition_columns == ["country"]
    assert rows(world, "orders/changes") == 3
    world.fill(4)
    assert rows(world, "orders/current") == 4


def test_a_partition_that_no_document_has_had_is_added_to_the_log_as_well(world: World) -> None:
    world.apply()
    world.fill(3)
    world.spec(fields={"country": {"type": "string"}}, partition_by=["_ingestion_date", "country"])
    world.apply(allow_replace=True)
    assert "country" in {field.name for field in DeltaTable(world.uri("orders/changes")).schema().fields}
    world.fill(4)
    assert rows(world, "orders/current") == 4
    assert world.plan().is_empty


def test_a_partition_column_takes_its_name_from_a_field_in_other_capitals(world: World) -> None:
    world.source.documents_shown = [{"Country": "de", "n": 1}]
    world.spec(fields={"country": {"type": "string"}}, partition_by=["country"])
    world.apply()
    names = {field.name for field in DeltaTable(world.uri("orders/changes")).schema().fields}
    assert {"country", "n"} <= names
    assert "Country" not in names
    assert world.plan().is_empty


def test_another_mode_replaces_the_folded_table_and_keeps_the_log(world: World) -> None:
    world.apply()
    world.fill(3)
    world.spec(mode="history")
    assert decided(world.plan()) == {"orders/history": REPLACE}
    with pytest.raises(PlanRefused):
        world.apply()
    world.apply(allow_replace=True)
    assert not Path(world.uri("orders/current")).exists()
    assert (rows(world, "orders/history"), rows(world, "orders/changes")) == (0, 3)
    assert world.plan().is_empty


def test_no_folded_table_any_more_deletes_it_and_keeps_the_log(world: World) -> None:
    world.apply()
    world.fill(3)
    world.spec(mode="changes")
    assert decided(world.plan()) == {"orders/current": DELETE}
    with pytest.raises(PlanRefused):
        world.apply()
    world.apply(allow_replace=True)
    assert rows(world, "orders/changes") == 3
    assert world.plan().is_empty


def test_settings_are_recorded_without_touching_the_tables(world: World) -> None:
    world.apply()
    version = DeltaTable(world.uri("orders/changes")).version()
    world.spec(on_conflict="fail", fold={"every": "5s"}, maintenance={"optimize": "weekly"})
    plan = world.plan()
    assert decided(plan) == {"orders/changes": UPDATE, "orders/current": UPDATE}
    assert not plan.drifted
    world.apply()
    assert DeltaTable(world.uri("orders/changes")).version() == version
    assert world.plan().is_empty


def test_a_longer_retention_alters_both_tables_in_place(world: World) -> None:
    world.apply()
    world.fill(3)
    world.spec(maintenance={"vacuum": {"retain": "60d"}})
    world.apply()
    for title in ("orders/changes", "orders/current"):
        configuration = DeltaTable(world.uri(title)).metadata().configuration
        assert configuration["delta.deletedFileRetentionDuration"] == "interval 60 days"
        assert configuration["delta.logRetentionDuration"] == "interval 60 days"
    assert rows(world, "orders/current") == 3
    assert world.plan().is_empty


def test_a_property_altered_outside_is_drift_that_names_table_and_property(world: World) -> None:
    world.apply()
    table = DeltaTable(world.uri("orders/changes"))
    table.alter.set_table_properties({"delta.enableChangeDataFeed": "false"})
    plan = world.plan()
    assert [change.title for change in plan.drifted] == ["orders/changes"]
    assert "Drift: orders/changes was altered (delta.enableChangeDataFeed)." in explain(plan)
    world.apply()
    configuration = DeltaTable(world.uri("orders/changes")).metadata().configuration
    assert configuration["delta.enableChangeDataFeed"] == "true"
    assert world.plan().is_empty


def test_a_property_that_nobody_manages_is_told_once(world: World) -> None:
    world.apply()
    DeltaTable(world.uri("orders/current")).alter.set_table_properties({"delta.checkpointInterval": "7"})
    assert [change.title for change in world.plan().drifted] == ["orders/current"]
    world.apply()
    assert world.plan().is_empty


def test_a_dropped_table_is_drift_and_is_made_again(world: World) -> None:
    world.apply()
    world.fill(3)
    shutil.rmtree(world.uri("orders/current"))
    plan = world.plan()
    assert decided(plan) == {"orders/current": CREATE}
    assert "Drift: orders/current was removed." in explain(plan)
    world.apply()
    assert world.plan().is_empty
    world.fill(4)
    assert rows(world, "orders/current") == 4


def test_a_table_of_somebody_else_is_never_touched(world: World) -> None:
    write_deltalake(world.uri("orders/changes"), pa.table({"mine": [1]}))
    plan = world.plan()
    assert [notice.code for notice in plan.errors] == ["foreign-table"]
    with pytest.raises(PlanRefused, match="oplake did not make"):
        world.apply(allow_replace=True)
    assert rows(world, "orders/changes") == 1


def test_a_lost_state_is_won_back_by_adopting_the_tables(world: World) -> None:
    world.apply()
    world.fill(3)
    shutil.rmtree(world.root / ".oplake")
    plan = world.plan()
    assert {change.cause for change in plan.pending} == {Cause.ADOPT}
    assert decided(plan) == {"orders/changes": UPDATE, "orders/current": UPDATE}
    assert not plan.drifted
    world.apply()
    assert rows(world, "orders/current") == 3
    assert world.plan().is_empty


def test_a_lost_state_and_another_partitioning_recreates_the_table_when_allowed(world: World) -> None:
    world.apply()
    world.fill(3)
    shutil.rmtree(world.root / ".oplake")
    world.spec(partition_by=[])
    assert decided(world.plan())["orders/changes"] is REPLACE
    with pytest.raises(PlanRefused):
        world.apply()
    world.apply(allow_replace=True)
    assert world.plan().is_empty


def test_a_pipeline_that_left_git_is_deleted_only_when_allowed(world: World) -> None:
    world.spec("users")
    world.source.counts["shop.users"] = 1
    world.apply()
    (world.root / "specs" / "pipelines" / "users.yaml").unlink()
    assert decided(world.plan()) == {"users/changes": DELETE, "users/current": DELETE}
    with pytest.raises(PlanRefused):
        world.apply()
    world.apply(allow_replace=True)
    assert not (world.root / "lake" / "users" / "changes").exists()
    assert (world.root / "lake" / "orders" / "changes").exists()
    assert world.plan().is_empty


def test_a_collection_that_was_dropped_keeps_its_tables(world: World) -> None:
    world.pipeline("all", {"source": {"collections": ["shop.*"]}})
    (world.root / "specs" / "pipelines" / "orders.yaml").unlink()
    world.apply()
    world.source.counts = {}
    plan = world.plan()
    assert plan.is_empty
    assert any("its tables are kept" in notice.what for notice in plan.notices)


def test_a_collection_that_is_not_there_yet_is_a_warning_and_gets_its_tables(world: World) -> None:
    world.source.counts = {}
    plan = world.plan()
    assert [(notice.level, notice.code) for notice in plan.notices] == [("warning", "no-collection")]
    world.apply()
    assert world.plan().is_empty


def test_a_source_without_change_streams_is_an_error_with_the_remedy(world: World) -> None:
    world.source.problem = ("the server is no replica set", "start mongod with --replSet")
    plan = world.plan()
    assert [notice.remedy for notice in plan.errors] == ["start mongod with --replSet"]
    assert "it can be read, not applied" in explain(plan)
    with pytest.raises(PlanRefused, match="no replica set"):
        world.apply()
    assert not (world.root / "lake").exists()


def test_two_collections_cannot_be_the_same_table(world: World) -> None:
    world.pipeline("orders", {"source": {"collections": ["shop.*"]}, "table": {"name": "{pipeline}"}})
    world.source.counts = {"shop.a": 1, "shop.b": 1}
    assert [notice.code for notice in world.plan().errors] == ["table-clash"]


def test_a_partition_column_needs_a_settled_type(world: World) -> None:
    world.spec(fields={"tier": {"as": "map"}}, partition_by=["tier"])
    assert [notice.code for notice in world.plan().errors] == ["partition-type"]


def test_an_apply_that_nobody_confirms_changes_nothing(world: World) -> None:
    with world.workspace() as workspace:
        from engine.planner.apply import Apply, apply_scope  # noqa: PLC0415 - only here

        outcome = apply_scope(workspace, world.source, Apply(lambda *_: None, lambda _: False))
    assert not outcome.confirmed
    assert not (world.root / "lake").exists()


def test_a_second_apply_is_told_who_is_at_it(world: World) -> None:
    with world.workspace() as first, first.locked("apply"), pytest.raises(LockHeld, match="`oplake apply`"):
        world.apply()


def test_another_mongodb_address_is_recorded_as_a_digest_with_a_warning(world: World) -> None:
    world.apply()
    world.target("mongodb://user:hunter2@elsewhere:27017/")
    plan = world.plan()
    assert decided(plan) == {"orders/changes": UPDATE}
    text = explain(plan)
    assert "sha256:" in text
    assert "another deployment would need new tables" in text
    assert "hunter2" not in text + plan.to_text()


def test_a_moved_lake_leaves_the_old_tables_and_says_so(world: World) -> None:
    world.apply()
    world.target(lake={"uri": "elsewhere"})
    plan = world.plan()
    assert decided(plan) == {"orders/changes": CREATE, "orders/current": CREATE}
    assert not plan.drifted
    assert "is left as it is" in explain(plan)


def test_the_plan_file_holds_the_columns_it_was_shown_with(world: World) -> None:
    body = json.loads(world.plan().to_text())
    log = next(change for change in body["changes"] if change["title"] == "orders/changes")
    assert list(struct_from_json(log["inferred"]["columns"]).fields) == ["n", "place"]
    world.source.documents_shown = [{"other": True}]
    text = json.dumps(body)
    world.apply_file(text)
    assert "other" not in {field.name for field in DeltaTable(world.uri("orders/changes")).schema().fields}
