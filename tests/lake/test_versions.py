"""From changes to versions, against the same thing said with loops."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from engine.lake.versions import EVENTS, versions
from tests.lake.changes import EPOCH, Change, expected_history


def events(changes: list[Change]) -> pa.Table:
    return pa.Table.from_pylist(
        [{"_id": c.key, "_position": c.order, "rank": 0, "is_delete": c.operation == "d", "at": c.at} for c in changes],
        schema=EVENTS,
    )


CHANGES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("ud"), st.integers(0, 30)), max_size=40).map(
    lambda parts: [Change(key, n, what, clock) for n, (key, what, clock) in enumerate(parts)]
)


@given(CHANGES, st.randoms(use_true_random=False))
def test_versions_follow_one_another_without_a_gap_or_an_overlap(changes: list[Change], order: object) -> None:
    shuffled = list(changes)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    found = versions(events(shuffled)).to_pylist()
    intervals = {(row["_id"], int(row["_position"], 16)): (row["_valid_from"], row["_valid_to"]) for row in found}
    assert len(intervals) == len(found)
    assert intervals == expected_history(changes)
    assert all(row["_is_current"] == (row["_valid_to"] is None) for row in found)


def test_a_clock_that_runs_backwards_makes_no_overlap() -> None:
    found = versions(events([Change("a", 1, clock=10), Change("a", 2, clock=3), Change("a", 3, clock=20)])).to_pylist()
    seconds = [(row["_valid_from"] - EPOCH, row["_valid_to"] and row["_valid_to"] - EPOCH) for row in found]
    ten, twenty = timedelta(seconds=10), timedelta(seconds=20)
    assert seconds == [(ten, ten), (ten, twenty), (twenty, None)]
