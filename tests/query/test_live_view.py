"""The live view is what a fold would give, whatever has arrived and whatever has been folded."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import QueryError
from engine.lake.fold import fold_current
from engine.lake.fold_limits import FoldLimits
from engine.query.as_of import NOW, AsOf
from engine.query.sql_text import identifier
from engine.spec.types import ListOf, Scalar, Struct
from tests.examples import examples
from tests.lake.changes import COLUMNS, Change, expected_current, expected_history
from tests.query.lakes import SmallLake

WIDER = Struct(
    {
        **COLUMNS.fields,
        "place": Struct({"city": Scalar.STRING, "zip": Scalar.STRING}),
        "tags": ListOf(Scalar.STRING),
    }
)
Mode = Literal["current", "history", "changes"]


def test_rows_of_the_tail_replace_remove_and_join_the_folded_ones(orders: SmallLake) -> None:
    assert orders.rows("select _id, n, place from orders order by _id") == [
        {"_id": "a", "n": 3, "place": {"city": "Bergen"}},
        {"_id": "c", "n": 5, "place": None},
    ]
    assert [row["n"] for row in orders.rows("select n from orders__current order by _id")] == [1, 2]
    assert len(orders.rows("select * from orders__changes")) == 5


def test_a_statement_may_mention_one_table_many_times(orders: SmallLake) -> None:
    sql = "select count(*) c from orders a join orders b using (_id) join orders__changes l using (_id)"
    assert orders.rows(sql) == [{"c": 3}]


def test_the_columns_of_every_view_stand_in_one_order(orders: SmallLake) -> None:
    system = ["_id", "_source_ts", "_position", "_ingested_at", "_rescued"]
    for view in ("orders", "orders__current"):
        assert [row["column_name"] for row in orders.rows(f"describe {view}")] == ["n", "place", *system]
    assert [row["column_name"] for row in orders.rows("describe orders__history")][-3:] == [
        "_valid_from",
        "_valid_to",
        "_is_current",
    ]


def test_a_field_of_any_name_changes_no_view(lake: SmallLake) -> None:
    names = ["oplake_rank", "oplake_before", "t", "f", "newer", "deleted", "select", "order-by"]
    every = ", ".join(map(identifier, names))
    sql = " ".join(["select _id,", every, "from orders%s order by _id, t"])

    def row(key: str, value: int) -> dict[str, Any]:
        return {"_id": key} | dict.fromkeys(names, value)

    def change(key: str, at: int, value: int, operation: str = "u") -> Change:
        return Change(key, at, operation, values=dict.fromkeys(names, value))

    lake.log(columns=Struct(dict.fromkeys(names, Scalar.INT32)))
    lake.append([change(key, at, at, "c") for at, key in enumerate("abc", 1)])
    assert lake.rows(sql % "") == lake.rows(sql % "__history") == [row(key, at) for at, key in enumerate("abc", 1)]
    lake.fold()
    lake.append([change("a", 4, 9), Change("b", 5, "d")])
    changed = [row("a", 9), row("c", 3)]
    assert lake.rows(sql % "") == changed
    assert lake.rows(sql % "__history") == [row("a", 1), row("a", 9), row("b", 2), row("c", 3)]
    lake.fold()
    assert lake.rows(sql % "__current") == changed


def test_a_table_that_was_never_folded_is_read_from_its_log(lake: SmallLake) -> None:
    lake.append([Change("a", 1, "c", values={"n": 1}), Change("b", 2, "c", values={"n": 2})])
    lake.append([Change("a", 3, "d"), Change("b", 4, "u", image=False)])
    assert lake.rows("select _id, n from orders") == [{"_id": "b", "n": 2}]
    with pytest.raises(QueryError, match="nothing has been folded") as caught:
        lake.rows("select * from orders__current")
    assert "query orders" in caught.value.remedy


def test_a_field_that_only_the_tail_has_is_null_in_folded_rows(lake: SmallLake) -> None:
    lake.append([Change("a", 1, "c", values={"n": 1, "place": {"city": "Oslo"}})])
    lake.fold()
    lake.log().evolve(WIDER)
    lake.append([Change("b", 2, "c", values={"n": 2, "place": {"city": "Rome", "zip": "1"}, "tags": ["t"]})])
    assert lake.rows("select _id, place, tags from orders order by _id") == [
        {"_id": "a", "place": {"city": "Oslo", "zip": None}, "tags": None},
        {"_id": "b", "place": {"city": "Rome", "zip": "1"}, "tags": ["t"]},
    ]


def test_a_row_that_arrives_after_its_folded_delete_stays_deleted(lake: SmallLake) -> None:
    lake.append([Change("a", 1, "c", values={"n": 1}), Change("a", 5, "d")])
    lake.fold()
    lake.append([Change("a", 3, "u", values={"n": 3}), Change("b", 4, "c", values={"n": 4})])
    assert lake.rows("select _id from orders") == [{"_id": "b"}]


def test_a_row_older_than_the_folded_one_does_not_win(lake: SmallLake) -> None:
    lake.append([Change("a", 5, "u", values={"n": 5})])
    lake.fold()
    lake.append([Change("a", 3, "u", values={"n": 3}), Change("a", 4, "d")])
    assert lake.rows("select n from orders") == [{"n": 5}]


def test_compaction_between_fold_and_query_changes_nothing(lake: SmallLake) -> None:
    for position in range(6):
        lake.append([Change(f"k{position % 3}", position, "u", values={"n": position})])
        if position == 3:
            lake.fold()
    DeltaTable(lake.path("orders", "changes")).optimize.compact()
    assert lake.rows("select n from orders order by n") == [{"n": 3}, {"n": 4}, {"n": 5}]


def test_when_the_unfolded_commits_were_cleaned_up_the_whole_log_is_read(lake: SmallLake) -> None:
    lake.append([Change("a", 1, "c", values={"n": 1})])
    lake.fold()
    for position in range(2, 6):
        lake.append([Change("a", position, "u", values={"n": position})])
    log = DeltaTable(lake.path("orders", "changes"))
    log.create_checkpoint()
    for version in range(3):
        Path(log.table_uri.removeprefix("file://"), "_delta_log", f"{version:020d}.json").unlink()
    assert lake.rows("select n from orders") == [{"n": 5}]


def test_filters_reach_the_scans_of_folded_and_unfolded_rows(orders: SmallLake) -> None:
    plan = orders.explain("select n from orders where n = 3")
    assert "DELTA_SCAN" in plan
    assert plan.count("n=3") == 2


@pytest.mark.parametrize("view", ["orders", "orders__current", "orders__changes"])
def test_a_filter_of_the_partition_column_reads_one_partition_s_files(lake: SmallLake, view: str) -> None:
    changes = [Change("abc"[n], n + 1, "c", values={"n": n}) for n in range(3)]
    lake.append(changes, partition_by=["n"])
    fold_current(lake.log(), lake.path("orders", "current"), partition_by=["n"])
    plan = lake.explain_run(f"select _id from {view} where n = 2")  # noqa: S608
    assert re.findall(r"Scanning Files: (\d+/\d+)", plan) == ["1/3"]


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, list[Change]]]:
    """Batches of changes in any order, some delivered twice, with folds and upkeep between them."""
    changes = [
        Change(
            key=draw(st.sampled_from(["a", "b", '{"$numberInt":"1"}', "it's"])),
            position=position,
            operation=(operation := draw(st.sampled_from("crudd"))),
            clock=draw(st.one_of(st.none(), st.integers(0, 12))),
            image=operation != "u" or draw(st.integers(0, 5)) > 0,
            values={"n": position, "place": draw(st.sampled_from([None, {"city": f"c{position}"}]))},
        )
        for position in range(draw(st.integers(1, 12)))
    ]
    arriving = [
        *draw(st.one_of(st.just(changes), st.permutations(changes))),
        *draw(st.lists(st.sampled_from(changes), max_size=3)),
    ]
    steps: list[tuple[str, list[Change]]] = []
    while arriving:
        size = draw(st.integers(1, 4))
        steps.append(("append", arriving[:size]))
        steps += [(what, []) for what in draw(st.lists(st.sampled_from(_BETWEEN), max_size=2))]
        arriving = arriving[size:]
    return steps


_BETWEEN = ("fold", "fold", "evolve", "optimize", "rebuild")


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives(), st.sampled_from(["current", "history", "changes"]), st.sampled_from([1, 500_000]), st.data())
def test_at_every_version_the_views_are_what_the_changes_say(
    steps: list[tuple[str, list[Change]]], mode: Mode, max_rows: int, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = SmallLake(Path(folder))
        arrived = _play(lake, steps, mode, FoldLimits(max_rows=max_rows))
        _check(lake, NOW, arrived[max(arrived)], is_folded_history=mode == "history")
        version = data.draw(st.sampled_from(sorted(arrived)))
        _check(lake, AsOf(version=version), arrived[version], is_folded_history=mode == "history")


def _play(
    lake: SmallLake, steps: list[tuple[str, list[Change]]], mode: Mode, limits: FoldLimits
) -> dict[int, list[Change]]:
    """Do it all, and tell what had arrived at each version of the log."""
    log = lake.log()
    arrived: dict[int, list[Change]] = {0: []}
    for what, changes in steps:
        seen = arrived[max(arrived)]
        match what:
            case "append":
                wide = "tags" in log.columns().fields
                known = {change.position: change for change in seen}
                batch = [known.get(change.position) or _widened(change, wide=wide) for change in changes]
                arrived[lake.append(batch)] = [*seen, *(c for c in batch if c.position not in known)]
            case "evolve":
                log.evolve(WIDER)
                arrived[log.version()] = seen
            case "optimize":
                DeltaTable(log.uri).optimize.compact()
                arrived[DeltaTable(log.uri).version()] = seen
                log._table.update_incremental()
            case _ if mode == "current":
                lake.fold(limits=limits, rebuild=what == "rebuild")
            case _ if mode == "history":
                lake.fold_history(limits=limits, rebuild=what == "rebuild")
    return arrived


def _widened(change: Change, *, wide: bool) -> Change:
    if not wide or change.values.get("place") is None:
        return change
    place = {**change.values["place"], "zip": "1"}
    return replace(change, values={**change.values, "place": place, "tags": ["t"]})


def _check(lake: SmallLake, as_of: AsOf, arrived: list[Change], *, is_folded_history: bool) -> None:
    live, counted, log, history = lake.all_rows(
        [
            "select * from orders",
            "select count(*) n from orders",
            "select * from orders__changes",
            "select * from orders__history",
        ],
        as_of,
    )
    wanted = expected_current(arrived)
    assert {row["_id"]: row["_position"] for row in live} == {key: c.order for key, c in wanted.items()}
    assert counted == [{"n": len(wanted)}] == [{"n": len(live)}]
    for row in live:
        assert _values(row) == _values(wanted[row["_id"]].values)
    assert {row["_position"] for row in log} == {change.order for change in arrived}
    if is_folded_history:  # folded then, so it may lack what the log had already
        assert {row["_position"] for row in history} <= {change.order for change in arrived}
    else:
        _check_history(history, arrived)


def _check_history(rows: list[dict[str, Any]], arrived: list[Change]) -> None:
    found = {(row["_id"], int(row["_position"], 16)): (row["_valid_from"], row["_valid_to"]) for row in rows}
    assert len(rows) == len(found)
    assert found == expected_history(arrived)
    assert all(row["_is_current"] == (row["_valid_to"] is None) for row in rows)


def _values(row: Any) -> tuple[Any, ...]:  # noqa: ANN401
    place = row.get("place") or {}
    return row["n"], place.get("city"), place.get("zip"), row.get("tags")
