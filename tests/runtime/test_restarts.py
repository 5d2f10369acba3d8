"""A worker process that dies young waits longer each time, and is given up when that never ends."""

from __future__ import annotations

from engine.runtime.restarts import FIRST_WAIT_S, HEALTHY_S, MOST_CRASHES, Restarts


def test_waits_double_until_it_is_a_crash_loop() -> None:
    restarts = Restarts()

    waits = [restarts.wait_s(lived_s=1.0) for _ in range(MOST_CRASHES)]

    assert waits == [*(FIRST_WAIT_S * 2**number for number in range(MOST_CRASHES - 1)), None]


def test_a_long_life_in_between_begins_the_count_anew() -> None:
    restarts = Restarts()
    for _ in range(MOST_CRASHES - 1):
        restarts.wait_s(lived_s=1.0)

    assert restarts.wait_s(lived_s=HEALTHY_S) == FIRST_WAIT_S
    assert restarts.wait_s(lived_s=1.0) == 2 * FIRST_WAIT_S
