"""A failing table waits longer and longer, but not for ever."""

from __future__ import annotations

from engine.runtime.retries import FIRST_WAIT_S, LONGEST_WAIT_S, PATIENCE_S, Retries


def test_waits_double_up_to_the_longest() -> None:
    retries = Retries()

    waits = [retries.wait_s(now=0.0) for _ in range(12)]

    assert all(wait is not None for wait in waits)
    for attempt, wait in enumerate(wait for wait in waits if wait is not None):
        longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)
        assert longest / 2 <= wait <= longest


def test_after_its_patience_a_table_gives_up() -> None:
    retries = Retries()
    retries.wait_s(now=100.0)

    assert retries.wait_s(now=100.0 + PATIENCE_S) is not None
    assert retries.wait_s(now=100.1 + PATIENCE_S) is None


def test_failures_of_a_table_that_is_quiet_for_long_in_between_are_not_one() -> None:
    retries = Retries()
    assert retries.wait_s(now=100.0) is not None
    assert retries.wait_s(now=101.0 + PATIENCE_S) is not None
    assert retries.wait_s(now=200.0 + PATIENCE_S) is not None


def test_a_commit_in_between_starts_the_patience_anew() -> None:
    retries = Retries()
    for _ in range(8):
        retries.wait_s(now=0.0)
    retries.succeeded()

    first = retries.wait_s(now=10 * PATIENCE_S)

    assert first is not None
    assert first <= FIRST_WAIT_S
