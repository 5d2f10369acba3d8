"""Status: what every table holds and how far it is, with the source or without it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deltalake import DeltaTable

from engine.errors import SourceUnreachable
from engine.lake.change_log import ChangeLog
from engine.lake.fold import fold_current
from engine.planner.status import Report, report
from engine.resources.collection import SourceView
from engine.resources.table_status import position_text
from engine.spec.types import Scalar, Struct
from tests.lake.changes import Change, rows
from tests.planner.worlds import World


def status(world: World, *, source_down: bool = False) -> Report:
    @contextmanager
    def source() -> Iterator[SourceView]:
        if source_down:
            raise SourceUnreachable("MongoDB does not answer", where="mongodb.uri")
        yield world.source

    with world.workspace(create=False) as workspace:
        return report(workspace, source())


def states(found: Report) -> dict[str, str]:
    return {table.table: table.state for table in found.tables}


def test_tables_that_were_never_applied_are_pending(world: World) -> None:
    assert states(status(world)) == {"orders/changes": "pending create", "orders/current": "pending create"}


def test_rows_versions_and_the_lag_of_the_fold_are_told(world: World) -> None:
    world.apply()
    world.fill(3)
    log, folded = status(world).tables
    assert (log.state, log.status.rows, folded.state, folded.status.rows) == ("ok", 3, "ok", 3)
    assert folded.status.unfolded_rows == 0


def test_only_rows_of_the_log_wait_for_a_fold(world: World) -> None:
    world.apply()
    world.fill(3)
    log = ChangeLog.open(world.uri("orders/changes"))
    log.record_position({"stream.time": 98})
    log.evolve(Struct({**log.columns().fields, "more": Scalar.STRING}))
    assert status(world).tables[1].status.unfolded_rows == 0
    log.append(rows([Change("k9", 9), Change("k10", 10)], log.columns()), {"stream.time": 99})
    DeltaTable(log.uri).optimize.compact()
    assert status(world).tables[1].status.unfolded_rows == 2


def test_rows_that_were_only_widened_hold_nothing_rescued(world: World) -> None:
    world.apply()
    world.fill(3)
    log = ChangeLog.open(world.uri("orders/changes"))
    log.widen({"n": Scalar.DOUBLE})
    log.append(rows([Change("k9", 9, values={"n": 0.5}, image=False)], log.columns()), {"stream.time": 99})
    fold_current(log, world.uri("orders/current"))
    assert status(world).tables[1].status.rescued_rows == 0


def test_rows_whose_commits_were_cleaned_up_before_a_fold_are_not_counted(world: World) -> None:
    world.apply()
    world.fill(3)
    log = ChangeLog.open(world.uri("orders/changes"))
    log.append(rows([Change("k9", 9)], log.columns()), {"stream.time": 99})
    table = DeltaTable(log.uri)
    table.create_checkpoint()
    (Path(world.uri("orders/changes")) / "_delta_log" / f"{table.version():020d}.json").unlink()
    assert status(world).tables[1].status.unfolded_rows is None


def test_a_table_that_was_never_folded_says_so(world: World) -> None:
    world.apply()
    assert status(world).tables[1].status.folded_version is None


def test_the_source_may_be_down(world: World) -> None:
    world.pipeline("orders", {"source": {"collections": ["shop.*"]}})
    world.apply()
    found = status(world, source_down=True)
    assert found.source == "MongoDB does not answer"
    assert states(found) == {"orders_orders/changes": "ok", "orders_orders/current": "ok"}


def test_drift_and_pending_changes_are_told_apart(world: World) -> None:
    world.apply()
    DeltaTable(world.uri("orders/current")).alter.set_table_properties(
        {"delta.logRetentionDuration": "interval 1 days"}
    )
    world.spec(on_conflict="fail")
    assert states(status(world)) == {"orders/changes": "pending update", "orders/current": "drift"}


def test_a_table_that_cannot_be_read_does_not_hide_the_others(world: World) -> None:
    world.apply()
    world.fill(2)
    shutil.rmtree(world.root / "lake" / "orders" / "current" / "_delta_log")
    broken = world.root / "lake" / "orders" / "current" / "_delta_log"
    broken.mkdir()
    Path(broken / "00000000000000000000.json").write_text("this is no commit\n")
    found = status(world)
    assert states(found) == {"orders/changes": "ok", "orders/current": "unreadable"}
    assert found.tables[1].status.problem


def test_a_status_is_json_too(world: World) -> None:
    world.apply()
    body = json.loads(json.dumps(status(world).to_json()))
    assert [table["table"] for table in body["tables"]] == ["orders/changes", "orders/current"]


@pytest.mark.parametrize(
    ("position", "text"),
    [
        ({}, "not started"),
        ({"snapshot.time": 1 << 32, "snapshot.rows": 1234, "snapshot.done": 0}, "snapshot, 1,234 documents so far"),
        ({"snapshot.done": 1, "stream.time": (3600 << 32) + 5}, "2020-01-01 01:00:00 UTC"),
    ],
)
def test_a_position_reads_well(position: dict[str, int], text: str) -> None:
    assert position_text(position) == text
