"""Values that mean the same compare the same; columns and intervals survive their text."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PlanRefused
from engine.resources.attributes import flatten, interval_text, part, same
from engine.resources.columns import column_at, columns_from_json, columns_to_json, struct_from_json
from engine.resources.quantities import count, size
from engine.spec.types import ColumnType, ListOf, MapOf, Scalar, Struct

TYPES: st.SearchStrategy[ColumnType] = st.recursive(
    st.sampled_from(Scalar),
    lambda inner: st.one_of(
        inner.map(ListOf), inner.map(MapOf), st.dictionaries(st.text(min_size=1), inner, max_size=4).map(Struct)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("true", True),
        ("TRUE", "true"),
        ("7", 7),
        ("interval 7 days", "interval 168 hours"),
        ("interval 1 week", "7 days"),
        (" x ", "x"),
        (None, None),
    ],
)
def test_values_that_mean_the_same_are_the_same(left: object, right: object) -> None:
    assert same(left, right)  # type: ignore[arg-type]


@pytest.mark.parametrize(("left", "right"), [(True, 1), ("1", True), (None, ""), ("interval 7 days", "7"), ("a", "b")])
def test_values_that_mean_something_else_differ(left: object, right: object) -> None:
    assert not same(left, right)  # type: ignore[arg-type]


@given(st.integers(1, 10**9))
def test_an_interval_means_its_seconds(seconds: int) -> None:
    assert same(interval_text(seconds), f"interval {seconds} seconds")


def test_an_interval_is_written_in_the_largest_unit_that_holds_it() -> None:
    days, odd = timedelta(days=7), timedelta(minutes=90)
    assert interval_text(int(days.total_seconds())) == "interval 7 days"
    assert interval_text(int(odd.total_seconds())) == "interval 90 minutes"


@given(TYPES)
def test_columns_survive_json_with_their_order(column: ColumnType) -> None:
    assert columns_from_json(json.loads(json.dumps(columns_to_json(column)))) == column


@pytest.mark.parametrize("broken", [7, {"list": 7}, {"other": []}, None])
def test_columns_that_cannot_be_read_refuse_the_plan(broken: object) -> None:
    with pytest.raises(PlanRefused):
        columns_from_json(broken)  # type: ignore[arg-type]


def test_a_table_needs_a_struct_of_columns() -> None:
    with pytest.raises(PlanRefused):
        struct_from_json("string")


def test_a_path_goes_through_lists_and_maps() -> None:
    columns = Struct({"a": ListOf(MapOf(Struct({"b": Scalar.DATE})))})
    assert column_at(columns, "a.b") is Scalar.DATE
    assert column_at(columns, "a.c") is None
    assert column_at(columns, "a.b.c") is None
    assert column_at(None, "a") is None


def test_flat_paths_keep_lists_whole() -> None:
    assert dict(flatten({"a": {"b": [1, 2], "c": {}}, "d": None})) == {"a.b": [1, 2], "d": None}
    assert part({"a.b": 1, "ab": 2}, "a.") == {"b": 1}


def test_numbers_read_well() -> None:
    assert [count(1, "row"), count(1234, "row")] == ["1 row", "1,234 rows"]
    assert [size(0), size(999), size(14_200_000), size(10**18)] == ["0 bytes", "999 bytes", "14.2 MB", "1000.0 PB"]
