"""The three-way comparison of one table: git, last applied, live."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.resources.change import Action, Cause
from engine.resources.resource import ABSENT, REMNANT, Desired, Observed
from engine.resources.table_compare import compare_table
from engine.spec.types import ListOf, MapOf, Scalar, Struct
from engine.state.applied import Applied

ATTRIBUTES: dict[str, Any] = {
    "uri": "/lake/orders/changes",
    "namespace": "shop.orders",
    "partition_by": ["_ingestion_date"],
    "properties.delta.logRetentionDuration": "interval 30 days",
    "table.on_conflict": "rescue",
}
LIVE: dict[str, Any] = {
    "partition_by": ["_ingestion_date"],
    "properties.delta.logRetentionDuration": "interval 30 days",
}
COLUMNS = Struct(
    {
        "depth": Scalar.DOUBLE,
        "email": Scalar.STRING,
        "tiers": MapOf(Scalar.STRING),
        "items": ListOf(Struct({"sku": Scalar.STRING})),
    }
)


def desired(**changed: object) -> Desired:
    return Desired("table.orders.log", "table", "orders/changes", "orders", ATTRIBUTES | _named(changed))


def applied(**changed: object) -> Applied:
    attributes = ATTRIBUTES | _named(changed)
    return Applied("table.orders.log", "table", "orders", "created", "id-1", attributes, LIVE)


def live(**changed: object) -> Observed:
    return Observed(True, "id-1", LIVE | _named(changed), columns=COLUMNS)


def _named(changed: dict[str, object]) -> dict[str, Any]:
    short = {"retention": "properties.delta.logRetentionDuration", "on_conflict": "table.on_conflict"}
    return {short.get(name, name.replace("__", ".")): value for name, value in changed.items()}


def field(rule: dict[str, str], path: str = "depth") -> dict[str, Any]:
    return {f"fields.{path}": rule}


def test_a_table_that_is_as_git_asks_needs_nothing() -> None:
    assert compare_table(desired(), applied(), live()).action is Action.NO_OP


def test_a_property_that_is_spelled_otherwise_means_the_same() -> None:
    change = compare_table(desired(), applied(), live(retention="interval 720 HOURS"))
    assert change.action is Action.NO_OP


def test_a_table_that_git_asks_for_and_nobody_knows_is_created() -> None:
    change = compare_table(desired(), None, ABSENT)
    assert (change.action, change.cause, change.drifted) == (Action.CREATE, Cause.SPEC, False)


def test_a_table_that_was_dropped_is_drift_and_created_again() -> None:
    change = compare_table(desired(), applied(), ABSENT)
    assert (change.action, change.drifted) == (Action.CREATE, True)


def test_a_delete_that_was_cut_off_is_cleared_and_is_no_drift() -> None:
    change = compare_table(desired(), applied(), REMNANT)
    assert (change.action, change.cause, change.clears) == (Action.CREATE, Cause.UNFINISHED, True)


def test_a_change_in_git_shows_what_was_applied_and_what_is_asked() -> None:
    change = compare_table(desired(retention="interval 90 days"), applied(), live())
    assert (change.action, change.cause) == (Action.UPDATE, Cause.SPEC)
    assert [(p.before, p.after, p.cause) for p in change.paths] == [
        ("interval 30 days", "interval 90 days", Cause.SPEC)
    ]


def test_a_property_altered_in_the_lake_is_drift_and_is_put_back() -> None:
    change = compare_table(desired(), applied(), live(retention="interval 1 day"))
    assert change.action is Action.UPDATE
    assert change.drifted
    assert [(p.before, p.after) for p in change.paths] == [("interval 1 day", "interval 30 days")]


def test_a_property_altered_in_both_is_drift_that_ends_where_git_wants_it() -> None:
    change = compare_table(desired(retention="interval 90 days"), applied(), live(retention="interval 1 day"))
    assert change.drifted
    assert [(p.before, p.after) for p in change.paths] == [("interval 1 day", "interval 90 days")]


def test_a_property_that_somebody_set_as_git_now_asks_is_only_recorded() -> None:
    change = compare_table(desired(retention="interval 90 days"), applied(), live(retention="interval 90 days"))
    assert (change.action, change.drifted) == (Action.UPDATE, False)


def test_a_property_that_the_spec_does_not_manage_is_reported_once_and_kept() -> None:
    stands = live(properties__delta__checkpointInterval="50")
    first = compare_table(desired(), applied(), stands)
    assert first.drifted
    assert [(p.before, p.after) for p in first.paths] == [(None, "50")]
    recorded = replace(applied(), observed=stands.attributes)
    assert compare_table(desired(), recorded, stands).action is Action.NO_OP


def test_partitioning_that_git_changes_needs_a_new_table() -> None:
    change = compare_table(desired(partition_by=["country"]), applied(), live())
    assert (change.action, change.destroys, change.drifted) == (Action.REPLACE, True, False)


def test_partitioning_that_somebody_changed_is_drift_and_needs_a_new_table() -> None:
    change = compare_table(desired(), applied(), live(partition_by=["country"]))
    assert (change.action, change.destroys, change.drifted) == (Action.REPLACE, True, True)


def test_settings_without_a_consequence_only_update_the_state() -> None:
    change = compare_table(desired(on_conflict="fail"), applied(), live())
    assert (change.action, change.destroys, change.alters) == (Action.UPDATE, False, False)


@pytest.mark.parametrize(
    ("before", "after", "path", "action"),
    [
        (None, {"type": "string"}, "new", Action.UPDATE),
        (None, {"type": "string"}, "depth", Action.REPLACE),
        (None, {"type": "double"}, "depth", Action.UPDATE),
        (None, {"type": "string"}, "items.sku", Action.UPDATE),
        (None, {"type": "int64"}, "items.sku", Action.REPLACE),
        ({"type": "double"}, {"type": "string"}, "depth", Action.REPLACE),
        ({"type": "double"}, None, "depth", Action.UPDATE),
        (None, {"as": "map"}, "tiers", Action.UPDATE),
        (None, {"as": "map"}, "depth", Action.UPDATE),
        (None, {"as": "map"}, "items", Action.REPLACE),
        ({"as": "map"}, None, "tiers", Action.REPLACE),
        (None, {"as": "map", "type": "string"}, "tiers", Action.UPDATE),
        (None, {"mask": "sha256"}, "email", Action.REPLACE),
        (None, {"mask": "sha256"}, "new", Action.UPDATE),
        ({"mask": "sha256"}, {"mask": "redact"}, "email", Action.REPLACE),
        ({"mask": "sha256"}, None, "email", Action.REPLACE),
        ({"mask": "drop"}, None, "gone", Action.REPLACE),
        ({"mask": "sha256"}, {"mask": "sha256"}, "email", Action.NO_OP),
    ],
)
def test_a_rule_for_a_field_replaces_the_table_only_when_its_rows_break_it(
    before: dict[str, str] | None, after: dict[str, str] | None, path: str, action: Action
) -> None:
    wanted = desired(**(field(after, path) if after else {}))
    last = applied(**(field(before, path) if before else {}))
    assert compare_table(wanted, last, live()).action is action


def test_a_pinned_column_whose_type_somebody_changed_is_drift() -> None:
    pin = field({"type": "string"})
    change = compare_table(desired(**pin), applied(**pin), live())
    assert (change.action, change.drifted) == (Action.REPLACE, True)
    assert [(p.before, p.after) for p in change.paths] == [("double", {"type": "string"})]


def test_a_pinned_number_that_grew_wider_under_widen_is_as_git_asks() -> None:
    pin = field({"type": "int32"})
    narrow = compare_table(desired(**pin), applied(**pin), live())
    widening = {**pin, "on_conflict": "widen"}
    wide = compare_table(desired(**widening), applied(**widening), live())
    assert (narrow.action, wide.action) == (Action.REPLACE, Action.NO_OP)


def test_a_table_the_state_does_not_know_is_adopted_when_it_is_as_git_asks() -> None:
    change = compare_table(desired(), None, live())
    assert (change.action, change.cause, change.origin) == (Action.UPDATE, Cause.ADOPT, "adopted")
    assert not change.destroys
    assert not change.drifted


def test_a_table_the_state_does_not_know_is_recreated_when_it_cannot_be_as_git_asks() -> None:
    change = compare_table(desired(partition_by=["country"]), None, live())
    assert (change.action, change.cause, change.destroys) == (Action.REPLACE, Cause.ADOPT, True)


def test_a_table_that_somebody_dropped_and_made_again_is_drift_and_no_longer_ours() -> None:
    change = compare_table(desired(), applied(), replace(live(), identity="id-2"))
    assert (change.action, change.drifted, change.origin) == (Action.UPDATE, True, "adopted")


def test_a_table_without_our_columns_any_more_must_be_replaced() -> None:
    change = compare_table(desired(), applied(), replace(live(), is_ours=False))
    assert (change.action, change.drifted, change.destroys) == (Action.REPLACE, True, True)


def test_a_table_that_git_no_longer_asks_for_is_deleted() -> None:
    change = compare_table(None, applied(), live())
    assert (change.action, change.destroys, change.keeps) == (Action.DELETE, True, False)


@pytest.mark.parametrize(
    ("last", "stands"),
    [
        (replace(applied(), origin="adopted"), live()),
        (applied(), replace(live(), identity="id-2")),
        (applied(), ABSENT),
    ],
    ids=["adopted", "made by somebody else", "gone already"],
)
def test_a_table_that_is_not_ours_is_only_forgotten(last: Applied, stands: Observed) -> None:
    change = compare_table(None, last, stands)
    assert (change.action, change.destroys, change.keeps) == (Action.DELETE, False, True)


def test_another_mode_replaces_the_table_that_stands_under_the_old_name() -> None:
    fold = replace(desired(uri="/lake/orders/history", mode="history"), address="table.orders.fold")
    last = replace(applied(uri="/lake/orders/current", mode="current"), address="table.orders.fold")
    change = compare_table(fold, last, live())
    assert (change.action, change.erases) == (Action.REPLACE, "/lake/orders/current")


def test_a_lake_that_moved_with_its_tables_is_only_recorded() -> None:
    change = compare_table(desired(uri="/moved/orders/changes"), applied(), live())
    assert (change.action, change.destroys, change.drifted) == (Action.UPDATE, False, False)


def test_a_lake_that_moved_without_its_tables_gets_new_ones_and_is_no_drift() -> None:
    change = compare_table(desired(uri="/moved/orders/changes"), applied(), ABSENT)
    assert (change.action, change.drifted) == (Action.CREATE, False)
    assert "/lake/orders/changes is left as it is" in change.reason
