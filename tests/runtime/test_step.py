"""The loop of one table decides rightly, whatever happens and in whatever order (INV-1, INV-2, INV-6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runtime.step import (
    Append,
    Appended,
    Bounds,
    Effect,
    Exit,
    Fold,
    Folded,
    Poll,
    Polled,
    PositionRecorded,
    RecordPosition,
    Started,
    State,
    StopRequested,
    begin,
    step,
)
from engine.source.batch import Batch, Rejected
from tests.runtime.simulation import Crashed, Simulation, batch_of, seeded

BOUNDS = Bounds(max_rows=10, max_bytes=1000, max_age_s=2.0, fold_every_s=60.0, fold_rows=100, poll_s=0.5)
NOTHING = Batch(position={"next": 0})
HOUR = 3600 << 32

some_bounds = st.builds(
    Bounds,
    max_rows=st.integers(1, 12),
    max_bytes=st.integers(1, 60),
    max_age_s=st.sampled_from([0.0, 0.5, 2.0]),
    fold_every_s=st.sampled_from([None, 0.0, 0.3, 5.0]),
    fold_rows=st.integers(1, 30),
    poll_s=st.sampled_from([0.05, 0.5]),
    is_shared=st.booleans(),
)
some_sizes = st.lists(st.integers(0, 30), max_size=60)
some_seed = st.integers(0, 2**32)


def after(state: State, *events: object) -> tuple[State, Effect]:
    effect: Effect = Exit("stopped")
    for event in events:
        state, effect = step(state, event)  # type: ignore[arg-type]
    return state, effect


def rows(first: int, count: int, size: int = 1) -> Batch:
    return batch_of(range(first, first + count), [size] * (first + count))


@given(some_sizes, some_bounds, some_seed)
def test_every_change_is_appended_once_and_in_order(sizes: list[int], bounds: Bounds, seed: int) -> None:
    simulation = Simulation(sizes, bounds, seeded(seed))

    assert simulation.run() == "caught up"

    assert simulation.table.orders == [f"{number:08d}" for number in range(len(sizes))]


@given(some_sizes, some_bounds, some_seed, st.floats(0.01, 0.4))
def test_crashes_at_any_moment_lose_and_double_nothing(
    sizes: list[int], bounds: Bounds, seed: int, crash_chance: float
) -> None:
    simulation = Simulation(sizes, bounds, seeded(seed), crash_chance=crash_chance)
    for _ in range(30):
        try:
            simulation.run()
        except Crashed:
            continue
        break
    simulation.crash_chance = 0.0

    simulation.run()

    assert simulation.table.orders == [f"{number:08d}" for number in range(len(sizes))]


@given(some_sizes, some_bounds, some_seed)
def test_batches_keep_their_bounds(sizes: list[int], bounds: Bounds, seed: int) -> None:
    simulation = Simulation(sizes, bounds, seeded(seed))
    simulation.run()
    table = simulation.table

    for (orders, _), size in zip([one for one in table.commits if one[0]], table.sizes_of_commits, strict=True):
        assert len(orders) <= bounds.max_rows
        assert size < bounds.max_bytes + max(sizes)
    longest_effect_s = 0.7
    assert all(age <= bounds.max_age_s + longest_effect_s for age in table.ages)


@given(some_sizes, some_bounds, some_seed)
def test_at_the_end_everything_is_folded_unless_the_log_is_all_there_is(
    sizes: list[int], bounds: Bounds, seed: int
) -> None:
    simulation = Simulation(sizes, bounds, seeded(seed))
    simulation.run()

    wants_fold = bounds.fold_every_s is not None
    assert simulation.table.folded == (len(sizes) if wants_fold else 0)
    assert any(isinstance(effect, Fold) for effect in simulation.effects) == wants_fold


@given(some_sizes, some_bounds, some_seed, st.integers(1, 20))
def test_a_stop_finishes_the_batch_and_starts_nothing_else(
    sizes: list[int], bounds: Bounds, seed: int, stop_after: int
) -> None:
    simulation = Simulation(sizes, bounds, seeded(seed), stop_after=stop_after)

    assert simulation.run() == "stopped"

    late = simulation.effects[stop_after:]
    assert len(late) <= 2
    assert all(isinstance(effect, Append | RecordPosition) for effect in late)
    polled = simulation.table.position.get("next", 0)
    assert simulation.table.orders == [f"{number:08d}" for number in range(polled)]


@given(some_bounds, some_seed)
def test_step_gives_the_same_answer_to_the_same_question(bounds: Bounds, seed: int) -> None:
    first = Simulation([1] * 20, bounds, seeded(seed))
    second = Simulation([1] * 20, bounds, seeded(seed))
    first.run()
    second.run()

    assert first.effects == second.effects
    assert first.table == second.table


def test_a_full_batch_is_appended_at_once() -> None:
    _, effect = after(begin(BOUNDS, {}), Started(0), Polled(rows(0, 10), 0.1))

    assert effect == Append(rows(0, 10))


def test_a_batch_of_many_bytes_is_appended_before_it_has_many_rows() -> None:
    _, effect = after(begin(BOUNDS, {}), Started(0), Polled(rows(0, 3, size=400), 0.1))

    assert isinstance(effect, Append)


def test_the_first_row_of_a_batch_waits_no_longer_than_its_age() -> None:
    state, effect = after(begin(BOUNDS, {}), Started(0), Polled(rows(0, 1), 0.1))
    assert effect == Poll(0.5, 9, 999)

    state, effect = after(state, Polled(replace(NOTHING, position={"next": 1}), 1.9))
    assert isinstance(effect, Poll)
    assert effect.timeout_s == pytest.approx(0.2)

    _, effect = after(state, Polled(replace(NOTHING, position={"next": 1}), 2.1))
    assert isinstance(effect, Append)


def test_an_append_carries_the_newest_position_even_when_the_last_poll_was_empty() -> None:
    _, effect = after(
        begin(BOUNDS, {}), Started(0), Polled(rows(0, 1), 0.1), Polled(Batch(position={"next": 1, "b": 7}), 3)
    )

    assert isinstance(effect, Append)
    assert effect.batch.position == {"next": 1, "b": 7}


def test_a_fold_comes_by_interval_or_by_rows() -> None:
    state, _ = after(begin(BOUNDS, {}), Started(0), Polled(rows(0, 10), 1), Appended(1))
    assert isinstance(after(state, Polled(NOTHING, 59))[1], Poll)
    assert after(state, Polled(NOTHING, 60))[1] == Fold()

    eager = replace(BOUNDS, fold_rows=10)
    assert after(begin(eager, {}), Started(0), Polled(rows(0, 10), 1), Appended(1))[1] == Fold()


def test_rows_that_an_earlier_process_left_unfolded_are_folded_though_nothing_new_arrives() -> None:
    _, effect = after(begin(BOUNDS, {"next": 0}), Started(0), Polled(NOTHING, 61))

    assert effect == Fold()


def test_nothing_is_folded_twice() -> None:
    state, _ = after(begin(BOUNDS, {"next": 0}), Started(0), Polled(NOTHING, 61), Folded(62))

    assert isinstance(after(state, Polled(NOTHING, 500))[1], Poll)


def test_an_idle_stream_is_recorded_only_when_it_has_moved_far_enough() -> None:
    start = begin(BOUNDS, {"stream.time": 5 * HOUR, "stream.index": 1})
    near = Batch(position={"stream.time": 5 * HOUR + (599 << 32), "stream.index": 0})
    far = Batch(position={"stream.time": 5 * HOUR + (600 << 32), "stream.index": 0})

    assert isinstance(after(start, Started(0), Polled(near, 1))[1], Poll)
    state, effect = after(start, Started(0), Polled(far, 1))
    assert effect == RecordPosition(far.position)
    assert isinstance(after(state, PositionRecorded(2))[1], Poll)


def test_the_end_of_an_empty_snapshot_is_recorded_at_once() -> None:
    done = Batch(position={"snapshot.time": 5, "snapshot.rows": 0, "snapshot.done": 1, "stream.time": 5})

    assert after(begin(BOUNDS, {}), Started(0), Polled(done, 1))[1] == RecordPosition(done.position)


def test_a_short_run_records_how_far_a_quiet_stream_has_come() -> None:
    start = begin(BOUNDS, {"stream.time": HOUR}, until_caught_up=True)
    later = Batch(position={"stream.time": 2 * HOUR})

    state, effect = after(start, Started(0), Polled(later, 1, caught_up=True))
    assert effect == Fold()
    state, effect = after(state, Folded(2))
    assert effect == RecordPosition(later.position)
    assert after(state, PositionRecorded(3))[1] == Exit("caught up")


def test_what_a_partition_was_passed_over_for_is_recorded_in_the_end_or_when_it_is_long_ago() -> None:
    start = begin(BOUNDS, {"kafka.0": 4})
    tombstone = Batch(position={"kafka.0": 5})

    state, effect = after(start, Started(0), Polled(tombstone, 1))
    assert isinstance(effect, Poll)
    assert after(state, StopRequested(2))[1] == RecordPosition(tombstone.position)
    quiet = replace(state, may_be_unfolded=False)
    assert after(quiet, Polled(tombstone, 599))[1] != RecordPosition(tombstone.position)
    assert after(quiet, Polled(tombstone, 600))[1] == RecordPosition(tombstone.position)


def test_a_record_that_cannot_be_decoded_is_worth_a_commit_without_rows() -> None:
    rejected = Rejected("topic", 0, 4, -1, None, b"?", "not-json", "", 0)
    batch = Batch(position={"kafka.0": 5}, rejected=(rejected,))

    state, effect = after(begin(BOUNDS, {"kafka.0": 4}), Started(0), Polled(batch, 1), StopRequested(1))
    assert isinstance(effect, Append)
    assert effect.batch.rejected == (rejected,)
    assert after(state, Appended(2))[1] == Exit("stopped")


def test_a_log_that_others_append_to_is_folded_though_nothing_was_appended_here() -> None:
    shared = replace(BOUNDS, is_shared=True)
    state, _ = after(begin(shared, {}), Started(0), Polled(NOTHING, 61), Folded(62))

    assert isinstance(after(state, Polled(NOTHING, 121))[1], Poll)
    assert after(state, Polled(NOTHING, 122))[1] == Fold()


def test_without_until_caught_up_the_loop_goes_on_when_it_has_caught_up() -> None:
    _, effect = after(begin(BOUNDS, {"next": 0}), Started(0), Polled(NOTHING, 1, caught_up=True))

    assert isinstance(effect, Poll)


def test_what_ends_this_workers_part_of_a_run_is_appended_at_once_and_what_comes_later_waits() -> None:
    start = begin(BOUNDS, {"next": 0}, until_caught_up=True)

    state, effect = after(start, Started(0), Polled(rows(0, 3), 1, own_part_read=True))
    assert effect == Append(rows(0, 3))
    state, effect = after(state, Appended(1), Polled(rows(3, 1), 1, own_part_read=True))
    assert isinstance(effect, Poll)
    assert after(state, Polled(NOTHING, 1, caught_up=True, own_part_read=True))[1] != effect


def test_a_stop_with_nothing_pending_exits() -> None:
    assert after(begin(BOUNDS, {}), Started(0), StopRequested(1))[1] == Exit("stopped")


def test_a_stop_appends_what_was_polled_and_does_not_fold() -> None:
    state, effect = after(begin(BOUNDS, {}), Started(0), Polled(rows(0, 1), 99), StopRequested(99))
    assert effect == Append(rows(0, 1))

    assert after(state, Appended(100))[1] == Exit("stopped")
