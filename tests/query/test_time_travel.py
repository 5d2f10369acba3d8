"""``--as-of``: every version and every moment shows exactly the state there was."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from engine.errors import QueryError, UsageError
from engine.query.as_of import AsOf, parse_as_of
from engine.query.commit_times import CommitTimes, first_where
from tests.lake.changes import Change
from tests.query.lakes import SmallLake

LIVE = "select n from orders order by n"
FOLDED = "select n from orders__current order by n"
MILLISECOND = timedelta(milliseconds=1)


def numbers(lake: SmallLake, sql: str, as_of: AsOf) -> list[int]:
    return [row["n"] for row in lake.rows(sql, as_of)]


def put(lake: SmallLake, *positions: int, key: str | None = None) -> int:
    time.sleep(0.005)
    return lake.append([Change(key or f"k{p}", p, "u", values={"n": p}) for p in positions])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> SmallLake:
    """Log versions 1 to 4 add 1..4; folds after versions 1 and 3; version 5 deletes what 1 made."""
    lake = SmallLake(tmp_path_factory.mktemp("told"))
    put(lake, 1)
    lake.fold()
    put(lake, 2)
    put(lake, 3)
    time.sleep(0.005)
    lake.fold()
    put(lake, 4)
    lake.append([Change("k1", 9, "d")])
    return lake


def commit_times(lake: SmallLake, kind: str) -> list[datetime]:
    times = CommitTimes(DeltaTable(lake.path("orders", kind)))
    return [times.at(version) for version in range(times.newest + 1)]


def test_a_version_is_the_state_after_that_commit_of_the_log(told: SmallLake) -> None:
    states = [numbers(told, LIVE, AsOf(version=version)) for version in range(6)]
    assert states == [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [2, 3, 4]]


def test_a_version_pins_the_log_and_the_newest_fold_that_read_no_further(told: SmallLake) -> None:
    assert len(told.rows("select * from orders__changes", AsOf(version=2))) == 2
    assert [numbers(told, FOLDED, AsOf(version=version)) for version in range(1, 6)] == [
        [1],
        [1],
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
    ]


def test_a_time_is_the_last_commit_at_or_before_it(told: SmallLake) -> None:
    states = [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [2, 3, 4]]
    for version, at in enumerate(commit_times(told, "changes")):
        assert numbers(told, LIVE, AsOf(time=at)) == states[version]
        if version:
            assert numbers(told, LIVE, AsOf(time=at - MILLISECOND)) == states[version - 1]
    assert numbers(told, LIVE, AsOf(time=datetime.now(UTC) + timedelta(days=1))) == states[-1]


def test_at_a_time_the_folded_view_is_what_the_folded_table_was_then(told: SmallLake) -> None:
    written = commit_times(told, "current")
    last = written[-1]
    assert numbers(told, FOLDED, AsOf(time=last)) == [1, 2, 3]
    assert numbers(told, FOLDED, AsOf(time=last - MILLISECOND)) == [1]
    assert numbers(told, LIVE, AsOf(time=last - MILLISECOND)) == [1, 2, 3]


def test_a_time_before_the_table_and_a_version_beyond_it_say_what_there_is(told: SmallLake) -> None:
    with pytest.raises(QueryError, match="no orders as of 2001") as caught:
        told.rows(LIVE, AsOf(time=datetime(2001, 1, 1, tzinfo=UTC)))
    assert "versions 0 to 5" in caught.value.remedy
    with pytest.raises(QueryError, match="no orders as of 6"):
        told.rows(LIVE, AsOf(version=6))


def test_a_copied_lake_answers_by_the_times_in_its_commits(told: SmallLake, tmp_path: Path) -> None:
    shutil.copytree(told.root, tmp_path / "lake")
    for path in tmp_path.rglob("*.json"):
        os.utime(path, (0, 0))
    copy = SmallLake(tmp_path)
    assert numbers(copy, LIVE, AsOf(time=commit_times(copy, "changes")[2])) == [1, 2]


def test_a_version_asked_of_two_tables_is_refused_and_a_time_is_not(lake: SmallLake) -> None:
    lake.append([Change("a", 1, "c", values={"n": 1})], "orders")
    lake.append([Change("b", 2, "c", values={"n": 2})], "users")
    join = "select o.n + u.n s from orders o, users u"
    with pytest.raises(UsageError, match="orders, users"):
        lake.rows(join, AsOf(version=1))
    assert lake.rows(join, AsOf(time=datetime.now(UTC))) == [{"s": 3}]
    assert lake.rows("select 1 x from orders, orders__changes", AsOf(version=1)) == [{"x": 1}]


def test_the_state_half_way_through_a_rebuild_is_not_taken_for_an_older_one(lake: SmallLake) -> None:
    """A rebuild reads the whole log in several commits while its position still says where it began."""
    put(lake, 1, key="a")
    lake.fold()
    put(lake, 2, key="a")
    put(lake, 3, key="a")
    lake.fold(rebuild=True)
    path = lake.path("orders", "current")
    newest = DeltaTable(path).version()
    Path(path, "_delta_log", f"{newest:020d}.json").unlink()
    put(lake, 4, key="b")
    assert numbers(lake, LIVE, AsOf(version=2)) == [2]
    assert numbers(lake, LIVE, AsOf(version=4)) == [3, 4]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("42", AsOf(version=42)),
        ("2026-01-31T10:00:00Z", AsOf(time=datetime(2026, 1, 31, 10, tzinfo=UTC))),
        ("2026-01-31T10:00:00", AsOf(time=datetime(2026, 1, 31, 10, tzinfo=UTC))),
        ("2026-01-31 12:00+02:00", AsOf(time=datetime(2026, 1, 31, 10, tzinfo=UTC))),
        ("2026-01-31", AsOf(time=datetime(2026, 1, 31, tzinfo=UTC))),
    ],
)
def test_digits_are_a_version_and_iso_8601_is_a_time(text: str, wanted: AsOf) -> None:
    assert parse_as_of(text) == wanted


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "", "٣"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="neither a version nor a time"):
        parse_as_of(text)


@pytest.mark.parametrize("answer", range(6))
def test_the_first_number_that_holds_is_found(answer: int) -> None:
    holds: Callable[[int], bool] = lambda number: number >= answer  # noqa: E731
    assert first_where(0, 5, holds) == answer
